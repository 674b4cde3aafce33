//! The contract's TLS names, with the objects of rustls and the numbers of the IANA registries for them.

use std::sync::LazyLock;

use edge_contract::{CipherSuite, Group, TlsVersion};
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion};

use crate::key_schedule::{AES_128_GCM, CHACHA20_POLY1305};
use crate::protection::instrumented;

/// The number of a version.
pub(crate) fn version_number(version: TlsVersion) -> u16 {
    match version {
        TlsVersion::Tls12 => 0x0303,
        TlsVersion::Tls13 => 0x0304,
    }
}

/// The name of any version that a client offers.
pub(crate) fn offered_version_name(number: u16) -> String {
    match number {
        0x0200 => "SSL 2.0".to_owned(),
        0x0300 => "SSL 3.0".to_owned(),
        0x0301..=0x0304 => format!("TLS 1.{}", number - 0x0301),
        _ => format!("{number:#06x}"),
    }
}

/// The object of rustls for a version.
pub(crate) fn protocol(version: TlsVersion) -> &'static SupportedProtocolVersion {
    match version {
        TlsVersion::Tls12 => &TLS12,
        TlsVersion::Tls13 => &TLS13,
    }
}

/// The version that rustls negotiated.
pub(crate) fn negotiated_version(version: ProtocolVersion) -> Option<TlsVersion> {
    TlsVersion::ALL
        .iter()
        .copied()
        .find(|known| version_number(*known) == u16::from(version))
}

/// The object of rustls for a cipher suite.
pub(crate) fn suite(suite: CipherSuite) -> SupportedCipherSuite {
    use cipher_suite as rustls;
    match suite {
        CipherSuite::Tls13Aes128GcmSha256 => *AES_128_GCM,
        CipherSuite::Tls13Aes256GcmSha384 => rustls::TLS13_AES_256_GCM_SHA384,
        CipherSuite::Tls13Chacha20Poly1305Sha256 => *CHACHA20_POLY1305,
        CipherSuite::EcdheEcdsaAes128GcmSha256 => rustls::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdheEcdsaAes256GcmSha384 => rustls::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdheEcdsaChacha20Poly1305Sha256 => {
            rustls::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        }
        CipherSuite::EcdheRsaAes128GcmSha256 => rustls::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdheRsaAes256GcmSha384 => rustls::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdheRsaChacha20Poly1305Sha256 => {
            rustls::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
    }
}

static INSTRUMENTED: LazyLock<Vec<SupportedCipherSuite>> = LazyLock::new(|| {
    let known = CipherSuite::ALL.iter().copied();
    known.map(|name| instrumented(suite(name))).collect()
});

/// The same, instrumented for the engine.
pub(crate) fn instrumented_suite(suite: CipherSuite) -> SupportedCipherSuite {
    INSTRUMENTED[suite.index()]
}

/// The suite that rustls negotiated.
pub(crate) fn negotiated_suite(negotiated: SupportedCipherSuite) -> Option<CipherSuite> {
    CipherSuite::ALL
        .iter()
        .copied()
        .find(|known| suite(*known).suite() == negotiated.suite())
}

/// The number of a suite.
pub(crate) fn suite_number(name: CipherSuite) -> u16 {
    suite(name).suite().into()
}

/// The one version that a suite belongs to.
pub(crate) fn suite_version(name: CipherSuite) -> TlsVersion {
    match suite(name) {
        SupportedCipherSuite::Tls13(_) => TlsVersion::Tls13,
        SupportedCipherSuite::Tls12(_) => TlsVersion::Tls12,
    }
}

/// The length of the hash of a suite of TLS 1.3.
pub(crate) fn hash_length(suite: SupportedCipherSuite) -> Option<usize> {
    let common = &suite.tls13()?.common;
    Some(common.hash_provider.output_len())
}

/// Whether a suite can be used with a certificate's key; those of TLS 1.3 can be used with any.
pub(crate) fn fits_key(suite: CipherSuite, rsa: bool) -> bool {
    match suite {
        CipherSuite::Tls13Aes128GcmSha256
        | CipherSuite::Tls13Aes256GcmSha384
        | CipherSuite::Tls13Chacha20Poly1305Sha256 => true,
        CipherSuite::EcdheRsaAes128GcmSha256
        | CipherSuite::EcdheRsaAes256GcmSha384
        | CipherSuite::EcdheRsaChacha20Poly1305Sha256 => rsa,
        // RFC 8422 §2.2: Ed25519 keys are used with the suites for ECDSA.
        CipherSuite::EcdheEcdsaAes128GcmSha256
        | CipherSuite::EcdheEcdsaAes256GcmSha384
        | CipherSuite::EcdheEcdsaChacha20Poly1305Sha256 => !rsa,
    }
}

/// The object of rustls for a group.
pub(crate) fn group(group: Group) -> &'static dyn SupportedKxGroup {
    match group {
        Group::X25519Mlkem768 => kx_group::X25519MLKEM768,
        Group::Secp256r1Mlkem768 => kx_group::SECP256R1MLKEM768,
        Group::X25519 => kx_group::X25519,
        Group::Secp256r1 => kx_group::SECP256R1,
        Group::Secp384r1 => kx_group::SECP384R1,
    }
}

/// The group that rustls negotiated.
pub(crate) fn negotiated_group(negotiated: NamedGroup) -> Option<Group> {
    Group::ALL
        .iter()
        .copied()
        .find(|known| group(*known).name() == negotiated)
}

/// The number of a group.
pub(crate) fn group_number(name: Group) -> u16 {
    group(name).name().into()
}

/// Whether a group is a post-quantum hybrid.
pub(crate) fn is_hybrid(group: Group) -> bool {
    matches!(group, Group::X25519Mlkem768 | Group::Secp256r1Mlkem768)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of a negotiated object is the one that was configured.
    #[test]
    fn names_and_objects_match() {
        for known in CipherSuite::ALL {
            assert_eq!(Some(*known), negotiated_suite(suite(*known)));
        }
        for known in Group::ALL {
            assert_eq!(Some(*known), negotiated_group(group(*known).name()));
        }
        for known in TlsVersion::ALL {
            assert_eq!(Some(*known), negotiated_version(protocol(*known).version));
        }
    }

    /// The numbers are those of the IANA registries.
    #[test]
    fn numbers_are_those_of_the_registries() {
        assert_eq!(0x1301, suite_number(CipherSuite::Tls13Aes128GcmSha256));
        assert_eq!(0xc02b, suite_number(CipherSuite::EcdheEcdsaAes128GcmSha256));
        assert_eq!(
            (4588, 29),
            (
                group_number(Group::X25519Mlkem768),
                group_number(Group::X25519)
            )
        );
        assert_eq!("TLS 1.1", offered_version_name(0x0302));
        assert_eq!("0x7f1c", offered_version_name(0x7f1c));
    }
}
