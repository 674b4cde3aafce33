"""RFC 5280 as this product reads it: one row for each behaviour, with what every reader says of its chain.

The rows are data; `tests/real/test_chain_table.py` makes each chain and asks OpenSSL, Go, the control plane,
a running edge and the scanner. `docs/chains.md` is written from here.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pki import NOW
from port443.core.x509.chain import ChainFault as Fault
from raw_x509 import (
    ANY_USAGE,
    BMP,
    CLIENT_AUTH,
    CN,
    IA5,
    MAIL,
    ORG,
    PRINTABLE,
    TELETEX,
    UNIVERSAL,
    UTF8,
    Extension,
    Raw,
    address,
    alt_names,
    authority_key_id,
    basic,
    called,
    constraints,
    directory,
    dns,
    explicit_p256,
    extended,
    inhibit_any,
    mail,
    mappings,
    name,
    policies,
    policy_constraints,
    raw_ca,
    raw_leaf,
    raw_root,
    seq,
    subject_key_id,
    tlv,
    uri,
    usage,
)  # fmt: skip

Made = tuple[Raw, tuple[Raw, ...]]
"""The root that is trusted, and the chain as it stands in the file: leaf first."""
P1, P2, ANY_POLICY = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2", "2.5.29.32.0"
UNKNOWN: Extension = ("1.3.6.1.4.1.99999.99", True, b"\x05\0")
KNOWN_TO_NOBODY: Extension = (UNKNOWN[0], False, UNKNOWN[2])
OK = "ok"


@dataclass(frozen=True)
class Row:
    """One behaviour. `openssl` and `go` are `ok` or a part of their errors' text."""

    id: str
    what: str
    rfc: str
    make: Callable[[str], Made]
    """Given the host."""
    openssl: str = OK
    """With -policy_check -policy anyPolicy -purpose sslserver -verify_hostname."""
    go: str = OK
    scanner: frozenset[Fault] = frozenset()
    """What is wrong with it; it is trusted when all of that is harmless."""
    control: str = OK
    """`ok`, the code of an error, or a part of a warning."""
    why: str = ""
    """Who is right where they differ."""

    @property
    def host(self) -> str:
        return f"{self.id}.test"

    @property
    def is_served(self) -> bool:
        return not self.control.startswith("P443-")


def plain(*extra: Extension, **changes: object) -> Callable[[str], Made]:
    """Make a chain of three whose leaf has these extensions."""

    def make(host: str) -> Made:
        root = raw_root()
        middle = raw_ca(root)
        return root, (raw_leaf(middle, host, *extra, **changes), middle)

    return make


def below(
    *extra: Extension, leaf: tuple[Extension, ...] = (), subject: bytes = b"", **changes: object
) -> Callable[[str], Made]:
    """Make a chain of three whose intermediate has these extensions, its leaf those of `leaf`."""

    def make(host: str) -> Made:
        root = raw_root()
        middle = raw_ca(root, called("Intermediate"), *extra, **changes)
        given = {"subject": subject} if subject else {}
        return root, (raw_leaf(middle, host, *leaf, **given), middle)

    return make


def instead(replacement: tuple[Extension, ...], leaf: tuple[Extension, ...] = ()) -> Callable[[str], Made]:
    """Make an intermediate with just these extensions."""

    def make(host: str) -> Made:
        root = raw_root()
        middle = replace(raw_ca(root), extensions=replacement)
        return root, (raw_leaf(middle, host, *leaf), middle)

    return make


def cross_signed(host: str) -> Made:
    """Make a chain with a certificate of the root by another one that has ended, and so has the root's."""
    ended = NOW - timedelta(hours=1)
    root = raw_root()
    middle = raw_ca(root)
    crossed = raw_ca(raw_root(called("Old Root"), ends=ended), called("Root"), key=root.key, ends=ended)
    return root, (raw_leaf(middle, host), middle, crossed)


def deep(count: int) -> Callable[[str], Made]:
    """Make a chain with so many intermediates."""

    def make(host: str) -> Made:
        root = above = raw_root()
        middles: list[Raw] = []
        for number in range(count):
            above = raw_ca(above, called(f"Intermediate {number}"))
            middles.insert(0, above)
        return root, (raw_leaf(above, host), *middles)

    return make


def spelt(tag: int, text: str, *, issuer: tuple[int, str] | None = None) -> Callable[[str], Made]:
    """Make a chain whose intermediate and leaf have an organisation in this string type."""

    def make(host: str) -> Made:
        root = raw_root()
        middle = raw_ca(root, name((ORG, tag, text), (CN, UTF8, "Intermediate")))
        changes = {"issuer": name((ORG, *issuer), (CN, UTF8, "Intermediate"))} if issuer else {}
        subject = name((ORG, tag, text), (CN, UTF8, host))
        return root, (raw_leaf(middle, host, subject=subject, **changes), middle)

    return make


def policy_chain(*levels: tuple[Extension, ...]) -> Callable[[str], Made]:
    """Make a chain whose certificates have these extensions, the one below the root first."""

    def make(host: str) -> Made:
        root = above = raw_root()
        made: list[Raw] = []
        for number, extra in enumerate(levels[:-1]):
            above = raw_ca(above, called(f"Intermediate {number}"), *extra)
            made.insert(0, above)
        return root, (raw_leaf(above, host, *levels[-1]), *made)

    return make


def self_issued(host: str) -> Made:
    """Make an intermediate whose second key it signed itself, below a root that allows one intermediate."""
    root = replace(raw_root(), extensions=(basic(is_ca=True, length=1), usage(5, 6)))
    key = ec.generate_private_key(ec.SECP256R1())
    bounds = (basic(is_ca=True, length=0), usage(5, 6))
    middle = replace(raw_ca(root, key=key), extensions=(*bounds, subject_key_id(key)))
    newer = ec.generate_private_key(ec.SECP256R1())
    again = raw_ca(middle, middle.subject, authority_key_id(key), subject_key_id(newer), key=newer)
    return root, (raw_leaf(again, host, authority_key_id(newer)), again, middle)


def impostor(host: str) -> Made:
    """Make a leaf that has the root's name and key."""
    root = raw_root()
    return root, (raw_leaf(None, host, subject=root.subject, key=root.key),)


def anchored_leaf(host: str) -> Made:
    leaf = raw_leaf(None, host)
    return leaf, (leaf,)


def too_long(host: str) -> Made:
    root = raw_root()
    upper = replace(raw_ca(root, called("Upper")), extensions=(basic(is_ca=True, length=0), usage(5, 6)))
    lower = raw_ca(upper, called("Lower"))
    return root, (raw_leaf(lower, host), lower, upper)


def bare(host: str) -> Made:
    root = raw_root()
    return root, (replace(raw_leaf(root, host), extensions=(alt_names(dns(host)),)),)


def twice_known(host: str) -> Made:
    root = raw_root()
    leaf = raw_leaf(root, host)
    return root, (replace(leaf, extensions=(*leaf.extensions, usage(0))),)


def enciphering(host: str) -> Made:
    root = raw_root()
    return root, (raw_leaf(root, host, usage(2), key=rsa.generate_private_key(65537, 2048)),)


def old_root(host: str) -> Made:
    root = raw_root(version=1, extensions=())
    middle = raw_ca(root)
    return root, (raw_leaf(middle, host), middle)


def root_bound(host: str) -> Made:
    root = raw_root(called("Root"), constraints((dns("other.test"),)))
    middle = raw_ca(root)
    return root, (raw_leaf(middle, host), middle)


def bound_intermediate(host: str) -> Made:
    """Make an upper CA that may only certify another organisation than that of the lower CA."""
    root = raw_root()
    upper = raw_ca(root, name((ORG, UTF8, "Good")), constraints((directory(name((ORG, UTF8, "Good"))),)))
    lower = raw_ca(upper, name((ORG, UTF8, "Bad")))
    return root, (raw_leaf(lower, host, subject=name((ORG, UTF8, "Good"), (CN, UTF8, host))), lower, upper)


def bound_host_of_intermediate(host: str) -> Made:
    """Make an upper CA that may only certify the leaf's domain, and a lower CA that names another host."""
    root = raw_root()
    upper = raw_ca(root, called("Upper"), constraints((dns(host),)))
    lower = raw_ca(upper, called("Lower"), alt_names(dns("elsewhere.test")))
    return root, (raw_leaf(lower, host), lower, upper)


def explicit_leaf(host: str) -> Made:
    root = raw_root()
    middle, key = raw_ca(root), ec.generate_private_key(ec.SECP256R1())
    return root, (raw_leaf(middle, host, key=key, spki=explicit_p256(key)), middle)


def explicit_intermediate(host: str) -> Made:
    root = raw_root()
    key = ec.generate_private_key(ec.SECP256R1())
    middle = raw_ca(root, called("Intermediate"), key=key, spki=explicit_p256(key))
    return root, (raw_leaf(middle, host), middle)


def host_of(build: Callable[[str], Callable[[str], Made]]) -> Callable[[str], Made]:
    """Make a chain that needs to know its host."""
    return lambda host: build(host)(host)


GOOD = name((ORG, UTF8, "Good"))
INSIDE = name((ORG, UTF8, "Good"), (CN, UTF8, "a"))
OUTSIDE = name((ORG, UTF8, "Bad"), (CN, UTF8, "a"))
TEN = socket.inet_aton("10.0.0.0") + socket.inet_aton("255.0.0.0")


def bound(limit: Extension, *names: bytes, subject: bytes = b"") -> Callable[[str], Made]:
    """Make a leaf with more names, below an intermediate with these name constraints."""
    return host_of(lambda host: below(limit, leaf=(alt_names(dns(host), *names),), subject=subject))


ROWS = (
    # the plain ones
    Row("plain", "root, intermediate, leaf", "6.1", plain()),
    Row("old-root", "a root of version 1", "6.1.1", old_root),
    Row("self-signed", "a self-signed leaf that is trusted itself", "6.1.1", anchored_leaf),
    Row(
        "impostor",
        "a leaf that signed itself, with a trusted root's name and key",
        "6.1.1",
        impostor,
        openssl="self-signed certificate",
        scanner=frozenset({Fault.SELF_SIGNED}),
        why="OpenSSL is right to be careful: no rule for leaves would hold for such a one.",
    ),
    Row(
        "deep",
        "twelve intermediates",
        "6.1",
        deep(12),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="there are 12 intermediates; webpki (rustls) accepts 6",
        why="RFC 5280 sets no limit; webpki does, which the scanner says.",
    ),
    Row(
        "very-deep",
        "forty intermediates",
        "6.1",
        deep(40),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="there are 40 intermediates; webpki (rustls) accepts 6",
        why="As above.",
    ),
    Row(
        "self-issued",
        "a self-issued intermediate below pathLenConstraint 0",
        "4.2.1.9",
        self_issued,
        go="too many intermediates",
        why="RFC 5280 §4.2.1.9 does not count self-issued intermediates; Go does.",
    ),
    # what makes a CA
    Row(
        "no-ca",
        "an intermediate whose basicConstraints deny it",
        "4.2.1.9",
        instead((basic(is_ca=False),)),
        openssl="invalid CA certificate",
        go="parent certificate cannot sign",
        scanner=frozenset({Fault.ISSUER_NOT_CA}),
        control="CN=Intermediate may not sign certificates",
    ),
    Row(
        "no-basic",
        "an intermediate without basicConstraints",
        "4.2.1.9",
        instead((usage(5, 6),)),
        openssl="invalid CA certificate",
        go="parent certificate cannot sign",
        scanner=frozenset({Fault.ISSUER_NOT_CA}),
        control="CN=Intermediate may not sign certificates",
    ),
    Row(
        "v1-intermediate",
        "an intermediate of version 1",
        "4.2.1.9",
        below(version=1, extensions=()),
        openssl="invalid CA certificate",
        go="not authorized to sign",
        scanner=frozenset({Fault.ISSUER_NOT_CA}),
        control="CN=Intermediate may not sign certificates",
    ),
    Row(
        "no-cert-sign",
        "an intermediate without keyCertSign",
        "4.2.1.3",
        instead((basic(is_ca=True), usage(0))),
        openssl="invalid CA certificate",
        go="parent certificate cannot sign",
        scanner=frozenset({Fault.ISSUER_NOT_CA}),
        control="CN=Intermediate may not sign certificates",
    ),
    Row(
        "path-length",
        "one intermediate more than pathLenConstraint allows",
        "4.2.1.9",
        too_long,
        openssl="path length constraint exceeded",
        go="too many intermediates",
        scanner=frozenset({Fault.PATH_TOO_LONG}),
        control="CN=Upper allows 0 certificates below it before the leaf,",
    ),
    # extensions
    Row(
        "unknown-critical",
        "a critical extension that nobody knows, in the leaf",
        "4.2",
        plain(UNKNOWN),
        openssl="unhandled critical extension",
        go="unhandled critical extension",
        scanner=frozenset({Fault.UNKNOWN_CRITICAL}),
        control="P443-E228",
    ),
    Row(
        "unknown-critical-ca",
        "a critical extension that nobody knows, in the intermediate",
        "4.2",
        below(UNKNOWN),
        openssl="unhandled critical extension",
        go="unhandled critical extension",
        scanner=frozenset({Fault.UNKNOWN_CRITICAL}),
        control="CN=Intermediate has critical extensions that clients do not",
    ),
    Row("unknown", "the same, not critical", "4.2", plain(KNOWN_TO_NOBODY)),
    Row(
        "critical-key-id",
        "a critical subjectKeyIdentifier in the leaf",
        "4.2.1.2",
        plain(("2.5.29.14", True, tlv(4, b"1234"))),
        openssl="unhandled critical extension",
        go="incorrectly marked critical",
        scanner=frozenset({Fault.UNKNOWN_CRITICAL}),
        control="P443-E228",
    ),
    Row(
        "twice",
        "a duplicate extension in the leaf",
        "4.2",
        plain(KNOWN_TO_NOBODY, KNOWN_TO_NOBODY),
        go="contains duplicate extension",
        scanner=frozenset({Fault.EXTENSION_DOUBTFUL}),
        control="duplicate extension",
        why="RFC 5280 §4.2 forbids it. OpenSSL only sees it in extensions that it knows.",
    ),
    Row(
        "twice-known",
        "a duplicate keyUsage in the leaf",
        "4.2",
        twice_known,
        openssl="unable to get local issuer certificate",
        go="contains duplicate extension",
        scanner=frozenset({Fault.EXTENSION_INVALID}),
        control="P443-E228",
    ),
    Row(
        "broken",
        "certificatePolicies that are no DER",
        "4.2.1.4",
        plain(("2.5.29.32", False, b"\x30\x05")),
        openssl="invalid or inconsistent certificate policy extension",
        go="invalid certificate policies",
        scanner=frozenset({Fault.EXTENSION_DOUBTFUL}),
        control="cannot be read",
    ),
    Row(
        "two-algorithms",
        "another signature algorithm inside than outside",
        "4.1.1.2",
        plain(inner_algorithm=seq(b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03")),
        openssl="certificate signature failure",
        go="identifiers don't match",
        scanner=frozenset({Fault.SIGNATURE_BROKEN}),
        control="the signature on CN=two-algorithms.test was not made",
    ),
    Row(
        "bad-signature",
        "a damaged signature on the leaf",
        "6.1.3",
        plain(damage=lambda one: one[:-1] + bytes([one[-1] ^ 1])),
        openssl="certificate signature failure",
        go="ECDSA verification failure",
        scanner=frozenset({Fault.SIGNATURE_BROKEN}),
        control="the signature on CN=bad-signature.test was not made",
    ),
    Row(
        "expired-intermediate",
        "an intermediate that has ended",
        "6.1.3",
        below(ends=NOW - timedelta(hours=1)),
        openssl="certificate has expired",
        go="has expired",
        scanner=frozenset({Fault.EXPIRED}),
        control="the intermediate CN=Intermediate ended 2026-03-01 or has",
    ),
    Row(
        "cross-signed",
        "a cross-signed root that has ended, beside the root itself",
        "6.1",
        cross_signed,
        scanner=frozenset({Fault.UNRELATED}),
        control="the intermediate CN=Root ended 2026-03-01 or has",
        why="Old clients, such as OpenSSL 1.0, look for no other path and refuse.",
    ),
    # usage
    Row(
        "client-only",
        "extKeyUsage of the leaf with clientAuth alone",
        "4.2.1.12",
        plain(extended(CLIENT_AUTH)),
        openssl="unsuitable certificate purpose",
        go="incompatible key usage",
        scanner=frozenset({Fault.USAGE_WRONG}),
        control="P443-E228",
    ),
    Row(
        "client-only-ca",
        "extKeyUsage of the intermediate with clientAuth alone",
        "4.2.1.12",
        below(extended(CLIENT_AUTH)),
        openssl="unsuitable certificate purpose",
        go="incompatible key usage",
        scanner=frozenset({Fault.USAGE_WRONG}),
        control="CN=Intermediate is not for servers",
    ),
    Row(
        "any-usage",
        "extKeyUsage with anyExtendedKeyUsage",
        "4.2.1.12",
        plain(extended(ANY_USAGE)),
        openssl="unsuitable certificate purpose",
        scanner=frozenset({Fault.USAGE_WRONG}),
        control="is not for servers by name: its extKeyUsage is",
        why="RFC 5280 §4.2.1.12 lets clients refuse it. OpenSSL does, so it is no certificate for the web.",
    ),
    Row("no-usage", "no extKeyUsage and no keyUsage in the leaf", "4.2.1.12", bare),
    Row(
        "encipher-only",
        "keyUsage of an RSA leaf with keyEncipherment alone",
        "4.2.1.3",
        enciphering,
        scanner=frozenset({Fault.KEY_MAY_NOT_SIGN}),
        control="the keyUsage of CN=encipher-only.test allows no signature;",
    ),
    Row(
        "agree-only",
        "keyUsage of an ECDSA leaf with keyAgreement alone",
        "4.2.1.3",
        plain(usage(4)),
        scanner=frozenset({Fault.KEY_MAY_NOT_SIGN}),
        control="the keyUsage of CN=agree-only.test allows no signature;",
    ),
    # names
    Row(
        "printable",
        "`*`, `&`, `_` and `@` in a PrintableString",
        "4.1.2.4",
        spelt(PRINTABLE, "A*B&C_D@E"),
        go="invalid PrintableString",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="Go cannot read a name in CN=printable.test,O=A*B&C_D@E:",
        why="Against ASN.1, but public CAs wrote it, and only Go minds (not `*` and `&`).",
    ),
    Row("teletex", "Latin-1 in a TeletexString", "4.1.2.4", spelt(TELETEX, "Gem\u00e4\u00df")),
    Row("bmp", "a BMPString", "4.1.2.4", spelt(BMP, "\u0141\u00f3d\u017a")),
    Row(
        "universal",
        "a UniversalString",
        "4.1.2.4",
        spelt(UNIVERSAL, "\u0141\u00f3d\u017a"),
        go="unsupported string type",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="Go cannot read a name in CN=universal.test,O=Łódź: O=Łódź,",
        why="RFC 5280 §4.1.2.4 allows it; Go does not read it.",
    ),
    Row(
        "ia5",
        "an IA5String with eight bits",
        "4.1.2.4",
        spelt(IA5, "caf\u00e9"),
        go="invalid IA5String",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="Go cannot read a name in CN=ia5.test,O=café: O=café, a",
        why="It is against ASN.1, and only Go minds.",
    ),
    Row(
        "spelling",
        "the issuer's name in another string type and case",
        "7.1",
        spelt(UTF8, "Example Org", issuer=(PRINTABLE, "EXAMPLE  ORG")),
        go="unknown authority",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="Org spells the name of its issuer otherwise; Go and webpki",
        why="RFC 5280 §7.1 wants names compared so; Go and webpki compare octets.",
    ),
    # policies
    Row(
        "critical-policies",
        "critical certificatePolicies in leaf and intermediate",
        "4.2.1.4",
        policy_chain((policies(P1, critical=True),), (policies(P1, critical=True),)),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="has a critical certificatePolicies, which webpki (rustls)",
        why="It is what RFC 5280 §4.2.1.4 allows. webpki refuses it, which the scanner says.",
    ),
    Row(
        "policies-required",
        "requireExplicitPolicy, and a policy all the way",
        "6.1.3",
        policy_chain((policies(P1), policy_constraints(0)), (policies(P1),)),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate 0 has a critical policyConstraints, which",
        why="Valid for users content with any policy; without `-policy anyPolicy` OpenSSL means users "
        "content with none, and refuses.",
    ),
    Row(
        "policy-missing",
        "requireExplicitPolicy, and no policy in the leaf",
        "6.1.3",
        policy_chain((policies(P1), policy_constraints(0)), ()),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=policy-missing.test none is",
    ),
    Row(
        "policy-differs",
        "requireExplicitPolicy, and another policy in the leaf",
        "6.1.3",
        policy_chain((policies(P1), policy_constraints(0)), (policies(P2),)),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=policy-differs.test none is",
    ),
    Row(
        "policy-any",
        "requireExplicitPolicy, and anyPolicy above the leaf's policy",
        "6.1.3",
        policy_chain((policies(ANY_POLICY), policy_constraints(0)), (policies(P1),)),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate 0 has a critical policyConstraints, which",
    ),
    Row(
        "any-inhibited",
        "inhibitAnyPolicy 0, and anyPolicy in the leaf",
        "4.2.1.14",
        policy_chain((policies(P1), policy_constraints(0), inhibit_any(0)), (policies(ANY_POLICY),)),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=any-inhibited.test none is",
    ),
    Row(
        "any-allowed",
        "inhibitAnyPolicy 1, and anyPolicy in the leaf",
        "4.2.1.14",
        policy_chain((policies(P1), policy_constraints(0), inhibit_any(1)), (policies(ANY_POLICY),)),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate 0 has a critical policyConstraints,",
    ),
    Row(
        "mapped",
        "a policy that is mapped to the leaf's",
        "4.2.1.5",
        policy_chain((policies(P1), mappings((P1, P2)), policy_constraints(0)), (policies(P2),)),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate 0 has a critical policyMappings,",
    ),
    Row(
        "mapped-away",
        "a policy that is mapped to another than the leaf's",
        "4.2.1.5",
        policy_chain((policies(P1), mappings((P1, P2)), policy_constraints(0)), (policies(P1),)),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=mapped-away.test none is",
    ),
    Row(
        "mapping-inhibited",
        "inhibitPolicyMapping 0, and a mapping below",
        "4.2.1.11",
        policy_chain(
            (policies(P1), policy_constraints(0, 0)), (policies(P1), mappings((P1, P2))), (policies(P2),)
        ),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=mapping-inhibited.test none",
    ),
    Row(
        "any-mapped",
        "a mapping of anyPolicy",
        "4.2.1.5",
        policy_chain((policies(P1), mappings((ANY_POLICY, P2))), (policies(P2),)),
        openssl="invalid or inconsistent certificate policy extension",
        go="invalid policies",
        scanner=frozenset({Fault.EXTENSION_DOUBTFUL, Fault.SOME_REFUSE}),
        control="CN=Intermediate 0: the extension policyMappings cannot be",
    ),
    Row(
        "policy-later",
        "requireExplicitPolicy 1, and a leaf without",
        "4.2.1.11",
        policy_chain((policies(P1), policy_constraints(1)), ()),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=policy-later.test none is",
    ),
    Row(
        "policy-much-later",
        "requireExplicitPolicy 2, and a leaf without",
        "4.2.1.11",
        policy_chain((policies(P1), policy_constraints(2)), ()),
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate 0 has a critical policyConstraints, which",
    ),
    Row(
        "policy-twice",
        "a duplicate policy",
        "4.2.1.4",
        policy_chain((policies(P1),), (policies(P1, P1),)),
        openssl="invalid or inconsistent certificate policy extension",
        go="invalid certificate policies",
        scanner=frozenset({Fault.EXTENSION_DOUBTFUL}),
        control="a duplicate one",
    ),
    Row(
        "leaf-requires",
        "requireExplicitPolicy 0 in a leaf without a policy",
        "6.1.5",
        policy_chain((), (policy_constraints(0),)),
        openssl="no explicit policy",
        go="invalid policies",
        scanner=frozenset({Fault.POLICY_MISSING, Fault.SOME_REFUSE}),
        control="a policy is required, and at CN=leaf-requires.test none is",
    ),
    # name constraints
    Row(
        "dns-inside", "a permitted domain with the host in it", "4.2.1.10", bound(constraints((dns("test"),)))
    ),
    Row(
        "dns-outside",
        "a permitted domain with the host outside",
        "4.2.1.10",
        bound(constraints((dns("other.test"),))),
        openssl="permitted subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for dns-outside.test",
    ),
    Row(
        "dns-excluded",
        "an excluded domain with the host in it",
        "4.2.1.10",
        bound(constraints((), (dns("test"),))),
        openssl="excluded subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for dns-excluded.test",
    ),
    Row(
        "dns-root",
        "the same constraint in the root",
        "4.2.1.10",
        root_bound,
        openssl="permitted subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Root may not sign for dns-root.test",
    ),
    Row(
        "directory-inside",
        "a permitted directory name with the subject in it",
        "4.2.1.10",
        bound(constraints((directory(GOOD),)), subject=INSIDE),
        go="unhandled critical extension",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate has name constraints of a kind that Go does",
        why="RFC 5280 §4.2.1.10 wants them processed; Go does not, and refuses what it cannot process.",
    ),
    Row(
        "directory-outside",
        "a permitted directory name with the subject outside",
        "4.2.1.10",
        bound(constraints((directory(GOOD),)), subject=OUTSIDE),
        openssl="permitted subtree violation",
        go="unhandled critical extension",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED, Fault.SOME_REFUSE}),
        control="CN=Intermediate may not sign for CN=a,O=Bad",
    ),
    Row(
        "directory-excluded",
        "an excluded directory name with the subject in it",
        "4.2.1.10",
        bound(constraints((), (directory(GOOD),)), subject=INSIDE),
        openssl="excluded subtree violation",
        go="unhandled critical extension",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED, Fault.SOME_REFUSE}),
        control="CN=Intermediate may not sign for CN=a,O=Good",
    ),
    Row(
        "directory-case",
        "a permitted directory name in another string type and case",
        "7.1",
        bound(constraints((directory(name((ORG, PRINTABLE, "GOOD"))),)), subject=INSIDE),
        go="unhandled critical extension",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="CN=Intermediate has name constraints of a kind that Go does",
        why="As above; §7.1 makes no difference between the two names.",
    ),
    Row(
        "directory-ca",
        "an intermediate outside a permitted directory name",
        "6.1.3",
        bound_intermediate,
        openssl="permitted subtree violation",
        go="unhandled critical extension",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED, Fault.SOME_REFUSE}),
        control="O=Good may not sign for O=Bad",
    ),
    Row(
        "mail-inside",
        "a permitted mail host, and a mailbox there",
        "4.2.1.10",
        bound(constraints((mail("good.test"),)), mail("a@good.test")),
    ),
    Row(
        "mail-outside",
        "a permitted mail host, and a mailbox elsewhere",
        "4.2.1.10",
        bound(constraints((mail("good.test"),)), mail("a@bad.test")),
        openssl="permitted subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for a@bad.test",
    ),
    Row(
        "mail-subject",
        "a permitted mail host, and an address elsewhere in the subject",
        "4.2.1.10",
        bound(constraints((mail("good.test"),)), subject=name((MAIL, IA5, "a@bad.test"))),
        openssl="permitted subtree violation",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for a@bad.test",
        why="RFC 5280 §4.2.1.10 has the subject's address count where there is no other; Go does not look.",
    ),
    Row(
        "uri-inside",
        "a permitted host of URIs, and a URI there",
        "4.2.1.10",
        bound(constraints((uri("good.test"),)), uri("https://good.test/a")),
    ),
    Row(
        "uri-outside",
        "a permitted host of URIs, and a URI elsewhere",
        "4.2.1.10",
        bound(constraints((uri("good.test"),)), uri("https://bad.test/a")),
        openssl="permitted subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for https://bad.test/a",
    ),
    Row(
        "uri-excluded",
        "an excluded domain of URIs, and a URI below it",
        "4.2.1.10",
        bound(constraints((), (uri(".bad.test"),)), uri("https://a.bad.test/a")),
        openssl="excluded subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for https://a.bad.test/a",
    ),
    Row(
        "ip-inside",
        "a permitted network, and an address in it",
        "4.2.1.10",
        bound(constraints((address(TEN),)), address(socket.inet_aton("10.1.2.3"))),
    ),
    Row(
        "ip-outside",
        "a permitted network, and an address outside",
        "4.2.1.10",
        bound(constraints((address(TEN),)), address(socket.inet_aton("11.1.2.3"))),
        openssl="permitted subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Intermediate may not sign for 11.1.2.3",
    ),
    Row(
        "ip-malformed",
        "an IP constraint of five octets",
        "4.2.1.10",
        bound(constraints((address(TEN[:5]),))),
        go="value of length",
        scanner=frozenset({Fault.EXTENSION_INVALID}),
        control="CN=Intermediate: the extension nameConstraints cannot be",
        why="RFC 5280 §4.2.1.10 has no such constraint. OpenSSL only looks for an address to match.",
    ),
    Row(
        "ip-mask",
        "an IP constraint whose mask has a gap",
        "4.2.1.10",
        bound(constraints((address(TEN[:4] + bytes((255, 0, 255, 0))),))),
        go="invalid mask",
        scanner=frozenset({Fault.EXTENSION_INVALID}),
        control="CN=Intermediate: the extension nameConstraints cannot be",
        why="RFC 5280 §4.2.1.10 refers to CIDR (RFC 4632), which has no gaps. OpenSSL takes any mask.",
    ),
    Row(
        "constraint-minimum",
        "a subtree with a minimum",
        "4.2.1.10",
        bound(("2.5.29.30", True, seq(tlv(0xA0, seq(dns("test"), tlv(0x80, b"\1")))))),
        openssl="name constraints minimum and maximum not supported",
        scanner=frozenset({Fault.EXTENSION_INVALID}),
        control="CN=Intermediate: the extension nameConstraints cannot be",
        why="RFC 5280 §4.2.1.10 wants minimum 0. Go does not look.",
    ),
    Row(
        "constraint-unknown",
        "a constraint on a kind of name that has no rule, and such a name",
        "4.2.1.10",
        bound(constraints((tlv(0x88, b"\x2a\x03"),)), tlv(0x88, b"\x2a\x04")),
        openssl="unsupported name constraint type",
        go="unhandled critical extension",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED, Fault.SOME_REFUSE}),
        control="CN=Intermediate may not sign for a name of kind 8",
    ),
    Row(
        "constraint-unmatched",
        "the same constraint, and no such name",
        "4.2.1.10",
        bound(constraints((tlv(0x88, b"\x2a\x03"),))),
        go="unhandled critical extension",
        scanner=frozenset({Fault.SOME_REFUSE}),
        control="Go does not process",
        why="RFC 5280 §4.2.1.10 leaves names of other kinds free. Go refuses what it cannot process.",
    ),
    Row(
        "intermediate-host-outside",
        "an intermediate that names a host outside a permitted domain",
        "6.1.3",
        bound_host_of_intermediate,
        openssl="permitted subtree violation",
        go="not authorized to sign",
        scanner=frozenset({Fault.NAME_NOT_PERMITTED}),
        control="CN=Upper may not sign for elsewhere.test",
    ),
    Row(
        "explicit-curve",
        "a leaf whose key spells its curve out",
        "RFC 5480 2.1.1",
        explicit_leaf,
        openssl="explicit ECC parameters",
        go="invalid ECDSA parameters",
        scanner=frozenset({Fault.KEY_INVALID}),
        control="P443-E222",
    ),
    Row(
        "explicit-curve-ca",
        "an intermediate whose key spells its curve out",
        "RFC 5480 2.1.1",
        explicit_intermediate,
        openssl="explicit ECC parameters",
        go="invalid ECDSA parameters",
        scanner=frozenset({Fault.KEY_INVALID}),
        control="spells its curve out",
    ),
)
