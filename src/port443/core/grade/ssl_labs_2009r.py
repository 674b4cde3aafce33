"""SSL Labs Server Rating Guide, version 2009r of 2025-05-16, as data.

Taken from secondary sources: what testssl.sh 3.2.3 implements, and what its pull request 2830 quotes of
the guide. Not included, since nothing here looks for it yet: Heartbleed, CCS injection, Ticketbleed,
ROBOT, DROWN by another server, revocation, RSA keys with an exponent of 1. The guide grades strength
alone; caps for what clients refuse to connect to are this product's own, and marked so.
"""

from datetime import date

from port443.core.grade.baseline import Baseline, Letter
from port443.core.wire.versions import Version

SSL_LABS_2009R = Baseline(
    id="ssl-labs-2009r",
    title="SSL Labs Server Rating Guide 2009r",
    as_of=date(2025, 5, 16),
    source="testssl.sh 3.2.3 and its pull request 2830",
    is_secondary=True,
    weights=(30, 30, 40),
    letters=(
        (80, Letter.A),
        (65, Letter.B),
        (50, Letter.C),
        (35, Letter.D),
        (20, Letter.E),
        (0, Letter.F),
    ),
    protocol_scores={
        Version.SSL_2: 0,
        Version.SSL_3: 80,
        Version.TLS_1_0: 90,
        Version.TLS_1_1: 95,
        Version.TLS_1_2: 100,
        Version.TLS_1_3: 100,
    },
    rsa_scores=((512, 20), (1024, 40), (2048, 80), (4096, 90)),
    ec_scores=((110, 20), (123, 40), (163, 80), (225, 90)),
    cipher_scores=((1, 0), (128, 20), (256, 80)),
    key_exchange_caps=((40, Letter.F), (80, Letter.B)),
    caps={
        "P443-TLS-001": Letter.F,  # SSL 2.0
        "P443-TLS-002": Letter.B,  # SSL 3.0
        "P443-TLS-003": Letter.B,  # TLS 1.0
        "P443-TLS-004": Letter.B,  # TLS 1.1
        "P443-TLS-005": Letter.C,  # nothing newer than TLS 1.1
        "P443-TLS-007": Letter.F,  # NULL
        "P443-TLS-008": Letter.F,  # anonymous
        "P443-TLS-009": Letter.F,  # export
        "P443-TLS-010": Letter.F,  # less than 112 bits
        "P443-TLS-011": Letter.B,  # RC4
        "P443-TLS-012": Letter.C,  # RC4 with TLS 1.1 or newer
        "P443-TLS-013": Letter.C,  # 64-bit blocks with TLS 1.1 or newer
        "P443-TLS-014": Letter.B,  # no AEAD
        "P443-TLS-015": Letter.B,  # no forward secrecy
        "P443-TLS-017": Letter.B,  # BEAST
        "P443-TLS-018": Letter.C,  # CRIME
        "P443-TLS-020": Letter.B,  # weak Diffie-Hellman
        "P443-TLS-023": Letter.C,  # POODLE
        "P443-TLS-026": Letter.F,  # SSL 3.0 is the best there is
        # Ours, not of the guide: as much as for nothing newer than TLS 1.1, which browsers refuse too.
        "P443-TLS-027": Letter.C,  # browsers cannot connect
        "P443-TLS-029": Letter.C,  # handshakes signed with SHA-1
        "P443-CERT-019": Letter.C,  # a key that may not sign
        "P443-HTTP-006": Letter.B,  # https leads back to http
        "P443-CERT-005": Letter.B,  # incomplete chain
        "P443-CERT-008": Letter.B,  # weak key
        "P443-CERT-010": Letter.F,  # MD5, MD2
    },
    warnings=frozenset(
        {
            "P443-TLS-006",  # no TLS 1.3
            "P443-TLS-019",  # renegotiation
            "P443-HTTP-001",  # no HSTS
            "P443-HTTP-002",  # HSTS too short
            "P443-HTTP-003",  # HSTS broken
        }
    ),
    distrust=frozenset(
        {
            "P443-CERT-001",  # expired
            "P443-CERT-002",  # not valid yet
            "P443-CERT-003",  # self-signed
            "P443-CERT-004",  # untrusted root
            "P443-CERT-009",  # SHA-1
            "P443-CERT-015",  # path refused
            "P443-CERT-017",  # a signature that cannot be checked
            "P443-TLS-024",  # key not proved
        }
    ),
    mismatch=frozenset({"P443-CERT-007"}),
    scored={"P443-TLS-025": Letter.B},  # a curve below 163 bits is worth 80 points
)
