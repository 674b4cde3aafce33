"""SSL Labs Server Rating Guide, version 2009r of 2025-05-16, as data.

The guide is a wiki page that grew by change notes from 2009c on. Its sources up to 2009e, and what Qualys
announced of each later change, were read in the original; where only testssl.sh's reading was at hand, the
clause's source notes it. Qualys evaluates what its reference browsers negotiate; here that is what the server
chooses from an offer of all suites, the good ones first. Caps for what clients refuse to connect to are
this product's own, and marked so.
"""

from datetime import date

from port443.core.grade.baseline import Clause, Guide, Letter, Source
from port443.core.wire.versions import Version

BLOG = "https://blog.qualys.com/"
GUIDE_2009E = Source(
    "SSL Server Rating Guide 2009e, with the changes of 2009c and 2009d",
    "https://github.com/ssllabs/research docs/SSL_Server_Rating_Guide.xml",
)
GUIDE_2009Q = Source(
    "SSL Server Rating Guide 2009q", "https://github.com/ssllabs/research/wiki/SSL-Server-Rating-Guide"
)
STRICTER_2014 = Source(
    "SSL Labs: Stricter Security Requirements for 2014",
    f"{BLOG}product-tech/2014/01/21/ssl-labs-stricter-security-requirements-for-2014",
)
NO_TLS_1_2 = Source(
    "SSL Labs: Increased Penalty When TLS 1.2 Is Not Supported",
    f"{BLOG}product-tech/2015/05/22/ssl-labs-increased-penalty-when-tls-12-is-not-supported",
)
RC4_2015 = Source(
    "No Change to RC4 Grading in September",
    f"{BLOG}product-tech/2015/08/24/no-change-to-rc4-grading-in-september",
)
RC4_ONLY = Source("New Penalty for RC4-Only Servers in October 2015", f"{BLOG}tag/rc4")
DROWN = Source("DROWN Grading Update (2009l)", f"{BLOG}tag/grading")
CHANGES_2017 = Source(
    "Announcing SSL Labs Grading Changes for 2017",
    f"{BLOG}product-tech/2016/11/16/announcing-ssl-labs-grading-changes-for-2017",
)
CHANGES_2018 = Source(
    "SSL Labs Grading Update: Forward Secrecy, Authenticated Encryption and ROBOT",
    f"{BLOG}product-tech/2018/02/02/forward-secrecy-authenticated-encryption-and-robot-grading-update",
)
OLD_TLS = Source(
    "SSL Labs Grade Change for TLS 1.0 and TLS 1.1 Protocols",
    f"{BLOG}ssllabs/2018/11/19/grade-change-for-tls-1-0-and-tls-1-1-protocols",
)
CHANGES_2009R = Source(
    "the changes of 2009r, as testssl.sh pull request 2830 quotes them",
    "https://github.com/testssl/testssl.sh/pull/2830",
    is_first_hand=False,
)
TESTSSL = Source("testssl.sh 3.2.3", "https://github.com/testssl/testssl.sh", is_first_hand=False)
OURS = Source("port443's own, not of the guide", "")
NOT_TRIED = "not looked for yet"

SSL_LABS_2009R = Guide(
    id="ssl-labs-2009r",
    title="SSL Labs Server Rating Guide 2009r",
    version="2009r",
    as_of=date(2025, 5, 16),
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
    clauses=(
        # protocols
        Clause("SSL 2.0 is not allowed", GUIDE_2009E, ("P443-TLS-001",), Letter.F),
        Clause("SSL 3.0 is offered", TESTSSL, ("P443-TLS-002",), Letter.B),
        Clause("SSL 3.0 is the best protocol", TESTSSL, ("P443-TLS-026",), Letter.F),
        Clause("TLS 1.0 or 1.1 is supported", OLD_TLS, ("P443-TLS-003", "P443-TLS-004"), Letter.B),
        Clause("TLS 1.2 is not supported", NO_TLS_1_2, ("P443-TLS-005",), Letter.C),
        Clause("TLS 1.3 is not supported", CHANGES_2009R, ("P443-TLS-006",), Letter.A_MINUS),
        Clause("TLS_FALLBACK_SCSV is no longer considered for any grading", CHANGES_2009R),
        Clause("Secure renegotiation is not supported", STRICTER_2014, ("P443-TLS-019",), Letter.A_MINUS),
        Clause("Insecure renegotiation is not allowed", GUIDE_2009E, ("P443-TLS-033",), Letter.F),
        Clause("TLS compression (CRIME)", TESTSSL, ("P443-TLS-018",), Letter.C),
        Clause("POODLE on SSL 3.0", TESTSSL, ("P443-TLS-023",), Letter.C),
        Clause(
            "Mitigation of BEAST on the server's side is no longer required", GUIDE_2009E, ("P443-TLS-017",)
        ),
        # suites
        Clause("Suites without encryption score 0", GUIDE_2009E, ("P443-TLS-007",), Letter.F),
        Clause("Key exchange without authentication scores 0", GUIDE_2009E, ("P443-TLS-008",), Letter.F),
        Clause("Export suites are offered", TESTSSL, ("P443-TLS-009",), Letter.F),
        Clause("Ciphers below 112 bits are offered", TESTSSL, ("P443-TLS-010",), Letter.F),
        Clause("RC4 with TLS 1.0 and earlier", RC4_2015, ("P443-TLS-011",), Letter.B),
        Clause("RC4 with TLS 1.1 and TLS 1.2", RC4_2015, ("P443-TLS-012",), Letter.C),
        Clause("Servers that have RC4 only fail", RC4_ONLY, ("P443-TLS-030",), Letter.F),
        Clause(
            "3DES, or another 64-bit block, is negotiated with TLS 1.1 and newer; at the end of the list it "
            "costs nothing",
            CHANGES_2017,
            ("P443-TLS-034",),
            Letter.C,
        ),
        Clause("AEAD suites are not supported", CHANGES_2018, ("P443-TLS-014",), Letter.B),
        Clause("Forward secrecy is not supported", CHANGES_2018, ("P443-TLS-015",), Letter.B),
        Clause(
            "Suites without forward secrecy are negotiated with clients that can do better",
            CHANGES_2018,
            ("P443-TLS-031",),
            Letter.B,
        ),
        Clause(
            "Suites without AEAD are negotiated with clients that support it",
            CHANGES_2018,
            ("P443-TLS-032",),
            Letter.B,
        ),
        Clause("Diffie-Hellman parameters below 2048 bits", TESTSSL, ("P443-TLS-020",), Letter.B),
        # certificates
        Clause("The name does not match (M)", GUIDE_2009Q, ("P443-CERT-007",), Letter.M),
        Clause(
            "The certificate is not trusted: expired, not yet valid, self-signed or of an unknown CA (T)",
            GUIDE_2009Q,
            (
                "P443-CERT-001",
                "P443-CERT-002",
                "P443-CERT-003",
                "P443-CERT-004",
                "P443-CERT-015",
                "P443-CERT-017",
            ),
            Letter.T,
        ),
        Clause("A SHA-1 signature is not trusted", TESTSSL, ("P443-CERT-009",), Letter.T),
        Clause("MD5 and MD2 signatures are insecure", STRICTER_2014, ("P443-CERT-010",), Letter.F),
        Clause("Keys below 2048 bits are weak", STRICTER_2014, ("P443-CERT-008",), Letter.B),
        Clause("The chain is incomplete", TESTSSL, ("P443-CERT-005",), Letter.B),
        Clause("Use of a revoked certificate", GUIDE_2009E, ("P443-CERT-022",), Letter.F),
        Clause("An RSA key with an exponent of 1", DROWN, ("P443-CERT-020",), Letter.F),
        # HSTS; in the terms of the guide's API "disabled" is max-age=0 and "absent" another status.
        Clause(
            "HSTS is disabled or invalid", CHANGES_2009R, ("P443-HTTP-003", "P443-HTTP-008"), Letter.A_MINUS
        ),
        Clause(
            "A+ is for servers with HSTS and a max-age of six months at least",
            CHANGES_2009R,
            ("P443-HTTP-001", "P443-HTTP-002"),
            Letter.A,
        ),
        # attacks that need a separate probe
        Clause("DROWN, also by another server with the same key", DROWN, unseen=NOT_TRIED),
        Clause("ROBOT", CHANGES_2018, unseen=NOT_TRIED),
        Clause("Heartbleed, CCS injection, Ticketbleed, CVE-2016-2107", TESTSSL, unseen=NOT_TRIED),
        # Ours: as much as for nothing newer than TLS 1.1, which browsers refuse too.
        Clause("Browsers cannot connect", OURS, ("P443-TLS-027", "P443-TLS-029", "P443-CERT-019"), Letter.C),
        Clause("https leads back to http", OURS, ("P443-HTTP-006",), Letter.B),
        Clause("The server does not prove that it holds its key", OURS, ("P443-TLS-024",), Letter.T),
    ),
    scored={
        "P443-TLS-020": Letter.F,  # a prime below 1024 bits is worth 40 points
        "P443-TLS-025": Letter.B,  # a curve below 163 bits is worth 80 points
        "P443-CERT-008": Letter.F,  # and so is a key below 1024
    },
)
