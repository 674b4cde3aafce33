//! The closed sets of TLS names that a policy may use, spelled as IANA lists them.

use serde::{Serialize, Serializer};

macro_rules! names {
    ($(#[$about:meta])* $type:ident { $($variant:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $(#[doc = concat!("`", $name, "`")] $variant,)* }

        impl $type {
            /// Every member, in the order of its [`Self::index`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in contract documents, events and statistics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The member of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The place in [`Self::ALL`], for tables.
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

names! {
    /// A version of TLS that the edge speaks.
    TlsVersion {
        Tls12 = "1.2",
        Tls13 = "1.3",
    }
}

names! {
    /// A forward-secret AEAD cipher suite.
    CipherSuite {
        Tls13Aes128GcmSha256 = "TLS_AES_128_GCM_SHA256",
        Tls13Aes256GcmSha384 = "TLS_AES_256_GCM_SHA384",
        Tls13ChaCha20Poly1305Sha256 = "TLS_CHACHA20_POLY1305_SHA256",
        EcdheEcdsaAes128GcmSha256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        EcdheEcdsaAes256GcmSha384 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        EcdheEcdsaChaCha20Poly1305Sha256 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        EcdheRsaAes128GcmSha256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        EcdheRsaAes256GcmSha384 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        EcdheRsaChaCha20Poly1305Sha256 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}

names! {
    /// A key exchange group.
    Group {
        X25519MlKem768 = "X25519MLKEM768",
        SecP256r1MlKem768 = "SecP256r1MLKEM768",
        X25519 = "x25519",
        SecP256r1 = "secp256r1",
        SecP384r1 = "secp384r1",
    }
}

names! {
    /// An application protocol (RFC 7301).
    Alpn {
        H2 = "h2",
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
