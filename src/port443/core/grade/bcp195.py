"""BCP 195: RFC 9325 of November 2022, with RFC 8996 of March 2021, as data.

Sections 3.1 to 4.2 of RFC 9325 were read in the original; the later ones, and RFC 8996, are named in the
requirements that come from them and were not.
"""

from datetime import date

from port443.core.grade.baseline import Source
from port443.core.grade.requirement import (
    Baseline,
    HasTrait,
    Level,
    NoFindingUnless,
    Requirement,
    Unseen,
    no_finding,
)

LATER = "not looked for yet"
CLIENTS = "it is for clients"

BCP_195 = Baseline(
    "bcp195",
    "2022",
    "BCP 195: Recommendations for Secure Use of TLS (RFC 9325, RFC 8996)",
    Source("RFC 9325 §3 and §4", "https://www.rfc-editor.org/rfc/rfc9325"),
    date(2022, 11, 1),
    None,
    (
        Requirement("ssl-2", "SSL 2.0 is not negotiated", "RFC 9325 §3.1.1", no_finding("TLS-001")),
        Requirement("ssl-3", "SSL 3.0 is not negotiated", "RFC 9325 §3.1.1", no_finding("TLS-002")),
        Requirement(
            "tls-1.0", "TLS 1.0 is not negotiated", "RFC 9325 §3.1.1, RFC 8996 §4", no_finding("TLS-003")
        ),
        Requirement(
            "tls-1.1", "TLS 1.1 is not negotiated", "RFC 9325 §3.1.1, RFC 8996 §5", no_finding("TLS-004")
        ),
        Requirement("tls-1.2", "TLS 1.2 is supported", "RFC 9325 §3.1.1", no_finding("TLS-005")),
        Requirement(
            "tls-1.3", "TLS 1.3 is supported", "RFC 9325 §3.1.1", no_finding("TLS-006"), Level.SHOULD
        ),
        Requirement("prefer-1.3", "TLS 1.3 is preferred to older versions", "RFC 9325 §3.1.1", Unseen(LATER)),
        Requirement(
            "dtls", "DTLS 1.0 is not negotiated", "RFC 9325 §3.1.2", Unseen("TLS over TCP is scanned")
        ),
        Requirement("fallback", "No fallback to earlier versions", "RFC 9325 §3.1.3", Unseen(CLIENTS)),
        Requirement(
            "hsts",
            "Web servers use HSTS",
            "RFC 9325 §3.2",
            no_finding("HTTP-001", "HTTP-003", "HTTP-008"),
            Level.SHOULD,
        ),
        Requirement(
            "compression", "No TLS compression", "RFC 9325 §3.3", no_finding("TLS-018"), Level.SHOULD
        ),
        Requirement(
            "ticket-cipher", "Tickets are encrypted as strongly as the connection", "RFC 9325 §3.4", Unseen()
        ),
        Requirement("ticket-keys", "Ticket keys change, say every week", "RFC 9325 §3.4", Unseen(LATER)),
        Requirement("ticket-life", "Tickets live a reasonable time", "RFC 9325 §3.4", no_finding("TLS-038")),
        Requirement(
            "resumption-age", "Sessions too old are not resumed", "RFC 9325 §3.4", Unseen(), Level.SHOULD
        ),
        Requirement(
            "renegotiation-info", "renegotiation_info is answered", "RFC 9325 §3.5", no_finding("TLS-019")
        ),
        Requirement(
            "ems", "extended_master_secret is supported", "RFC 9325 §3.5", HasTrait("extended_master_secret")
        ),
        Requirement(
            "post-handshake",
            "No post-handshake authentication beside multiplexing",
            "RFC 9325 §3.6",
            Unseen(),
            Level.SHOULD,
        ),
        Requirement("sni", "Server Name Indication is supported", "RFC 9325 §3.7", Unseen(LATER)),
        Requirement(
            "unknown-name",
            "An unknown name ends the handshake with unrecognized_name",
            "RFC 9325 §3.7",
            Unseen(LATER),
            Level.SHOULD,
        ),
        Requirement("alpn", "ALPN is supported", "RFC 9325 §3.8", Unseen(LATER)),
        Requirement(
            "multi-server",
            "All servers of a name are equally strong",
            "RFC 9325 §3.9",
            Unseen("scan with --all-addresses, which compares them"),
            Level.SHOULD,
        ),
        Requirement(
            "early-data", "0-RTT only with a profile (RFC 8470)", "RFC 9325 §3.10", no_finding("TLS-037")
        ),
        Requirement("null", "No NULL encryption", "RFC 9325 §4.1", no_finding("TLS-007")),
        Requirement("rc4", "No RC4", "RFC 9325 §4.1", no_finding("TLS-011")),
        Requirement(
            "112-bits",
            "No suites below 112 bits, export among them",
            "RFC 9325 §4.1",
            no_finding("TLS-009", "TLS-010"),
        ),
        Requirement(
            "128-bits", "No suites below 128 bits", "RFC 9325 §4.1", no_finding("TLS-013"), Level.SHOULD
        ),
        Requirement(
            "static", "No static RSA, DH or ECDH", "RFC 9325 §4.1", no_finding("TLS-016"), Level.SHOULD
        ),
        Requirement(
            "forward-secrecy",
            "Forward secrecy is supported and preferred",
            "RFC 9325 §4.1",
            no_finding("TLS-015", "TLS-031"),
        ),
        Requirement("dhe", "No DHE suites in TLS 1.2", "RFC 9325 §4.1", no_finding("TLS-035"), Level.SHOULD),
        Requirement(
            "aead",
            "ECDHE with AES-GCM is recommended, and preferred",
            "RFC 9325 §4.2, §4.2.1",
            no_finding("TLS-014", "TLS-032"),
        ),
        Requirement(
            "cbc",
            "CBC only with encrypt_then_mac",
            "RFC 9325 §4.2",
            NoFindingUnless(no_finding("TLS-022"), "encrypt_then_mac"),
            Level.SHOULD,
        ),
        Requirement(
            "curves", "P-256 and X25519 are supported", "RFC 9325 §4.2.1", Unseen(LATER), Level.SHOULD
        ),
        Requirement("key-limits", "Keys change before their limits", "RFC 9325 §4.4", Unseen(), Level.SHOULD),
        Requirement(
            "key-length",
            "RSA and Diffie-Hellman of 2048 bits, curves of 224",
            "RFC 9325 §4.5 (not read in the original)",
            no_finding("TLS-020", "TLS-025", "CERT-008"),
        ),
        Requirement(
            "sha-2",
            "Certificates are signed with SHA-256 at least",
            "RFC 9325 §4.5 (not read in the original)",
            no_finding("CERT-009", "CERT-010"),
        ),
        Requirement(
            "truncated-hmac", "No truncated HMAC", "RFC 9325 §4.6 (not read in the original)", Unseen(LATER)
        ),
        Requirement(
            "host-name",
            "The host is validated by the certificate",
            "RFC 9325 §7.1 (not read in the original)",
            no_finding("CERT-007", "CERT-013"),
        ),
        Requirement(
            "sha-1-handshake",
            "No handshake is signed with SHA-1 or MD5",
            "RFC 9155 (not read in the original)",
            no_finding("TLS-029"),
        ),
    ),
)
