//! The closed sets of TLS names that a policy may use, spelled as IANA lists them.

use crate::closed_set::closed_set;

closed_set! {
    /// A version of TLS that the edge speaks.
    TlsVersion {
        /// `1.2`
        Tls12 = "1.2",
        /// `1.3`
        Tls13 = "1.3",
    }
}

closed_set! {
    /// A forward-secret AEAD cipher suite.
    CipherSuite {
        /// `TLS_AES_128_GCM_SHA256`
        Tls13Aes128GcmSha256 = "TLS_AES_128_GCM_SHA256",
        /// `TLS_AES_256_GCM_SHA384`
        Tls13Aes256GcmSha384 = "TLS_AES_256_GCM_SHA384",
        /// `TLS_CHACHA20_POLY1305_SHA256`
        Tls13ChaCha20Poly1305Sha256 = "TLS_CHACHA20_POLY1305_SHA256",
        /// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`
        EcdheEcdsaAes128GcmSha256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`
        EcdheEcdsaAes256GcmSha384 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`
        EcdheEcdsaChaCha20Poly1305Sha256 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        /// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`
        EcdheRsaAes128GcmSha256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`
        EcdheRsaAes256GcmSha384 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// `TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256`
        EcdheRsaChaCha20Poly1305Sha256 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}

closed_set! {
    /// A key exchange group.
    Group {
        /// `X25519MLKEM768`
        X25519MlKem768 = "X25519MLKEM768",
        /// `SecP256r1MLKEM768`
        SecP256r1MlKem768 = "SecP256r1MLKEM768",
        /// `x25519`
        X25519 = "x25519",
        /// `secp256r1`
        SecP256r1 = "secp256r1",
        /// `secp384r1`
        SecP384r1 = "secp384r1",
    }
}

closed_set! {
    /// An application protocol (RFC 7301).
    Alpn {
        /// `h2`
        H2 = "h2",
        /// `http/1.1`
        Http11 = "http/1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each name reads back as its member, and its index is its place in the list.
    #[test]
    fn names_read_back() {
        for (index, suite) in CipherSuite::ALL.iter().enumerate() {
            assert_eq!(Some(*suite), CipherSuite::parse(suite.as_str()));
            assert_eq!(index, suite.index());
        }
        assert_eq!(None, Group::parse("X25519"));
    }
}
