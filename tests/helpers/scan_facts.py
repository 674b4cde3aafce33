"""Facts of a server with nothing wrong, and ways to spoil them one by one."""

from dataclasses import replace
from functools import cache

from pki import NOW, Made, Order, make
from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.hsts import HSTSPolicy, WebFacts
from port443.core.names import HostName
from port443.core.probe.facts import Choice, GroupFacts, ServedChain, ServerFacts, VersionFacts
from port443.core.probe.verdict import YES, Verdict, no, unknown
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault, ChainNote, explain_chain
from port443.core.x509.facts import CertFacts
from port443.core.x509.path import TrustedRoots

NAME = HostName("site.test")
HIDDEN = unknown("it fell silent")


@cache
def authority() -> Made:
    return make(Order("root", is_ca=True))


@cache
def leaf() -> Made:
    return make(Order("leaf", by=authority(), names=(NAME.text,)))


def roots() -> TrustedRoots:
    return TrustedRoots.of([authority().facts])


def chain_of(first: CertFacts) -> JudgedChain:
    """Judge a leaf, which has timestamps of logs whatever it is made of."""
    first = replace(first, extensions=replace(first.extensions, has_scts=True))
    served = ServedChain((first.der,), key_proved=True, version=Version.TLS_1_3)
    return JudgedChain(served, explain_chain([first], roots(), NOW))


def version(which: Version, *codes: int, complete: Verdict = YES) -> VersionFacts:
    return VersionFacts(which, YES, tuple(chosen(which, code) for code in codes), complete)


def chosen(which: Version, code: int) -> Choice:
    """Let a suite be chosen with all that a whole flight shows of it."""
    choice = Choice(code)
    signs = which is Version.TLS_1_2 and choice.suite.authentication in {"RSA", "ECDSA"}
    scheme = 0x0403 if signs and choice.suite.is_forward_secret else None
    if choice.is_ecdhe:
        return Choice(code, group=29, scheme=scheme)
    return Choice(code, prime_bits=2048 if choice.suite.key_exchange == "DHE" else None, scheme=scheme)


GOOD_SERVER = ServerFacts(
    versions=(
        version(Version.TLS_1_3, 0x1301, 0x1302),
        version(Version.TLS_1_2, 0xC02B, 0xC02C),
        *(VersionFacts(v, no("alert protocol_version")) for v in reversed(Version) if v < Version.TLS_1_2),
    ),
    groups_13=GroupFacts((4588, 29), YES),
    groups_12=GroupFacts((29,), YES),
    compression=no("not chosen"),
    secure_renegotiation=YES,
)
GOOD_WEB = WebFacts(
    hsts=YES,
    hsts_text="max-age=31536000; includeSubDomains",
    policy=HSTSPolicy(31536000, include_subdomains=True, preload=False),
    redirect=YES,
    location="https://site.test/",
    fields=(
        ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
    ),
)


def good() -> ScanFacts:
    return ScanFacts(
        name=NAME,
        port=443,
        now=NOW,
        server=GOOD_SERVER,
        chains=(chain_of(leaf().facts),),
        unreadable_chain=None,
        web=GOOD_WEB,
        roots_are_public=True,
    )


def with_version(spoilt: VersionFacts) -> ScanFacts:
    """Put other facts of one version in the place of the good ones."""
    versions = tuple(spoilt if one.version is spoilt.version else one for one in GOOD_SERVER.versions)
    return replace(good(), server=replace(GOOD_SERVER, versions=versions))


def only(*left: VersionFacts) -> ScanFacts:
    """Let the server speak these versions and no other."""
    kept = {one.version: one for one in left}
    refused = {v: VersionFacts(v, no("alert protocol_version")) for v in reversed(Version)}
    server = replace(GOOD_SERVER, versions=tuple((refused | kept).values()), secure_renegotiation=YES)
    return replace(good(), server=server)


def with_leaf(first: CertFacts) -> ScanFacts:
    return replace(good(), chains=(chain_of(first),))


def with_fault(fault: ChainFault) -> ScanFacts:
    """Let the verdict on the chain hold one fault."""
    chain = chain_of(leaf().facts)
    note = ChainNote(fault, chain.leaf, f"this is {fault}")
    return replace(good(), chains=(replace(chain, verdict=replace(chain.verdict, notes=(note,))),))


def with_web(web: WebFacts) -> ScanFacts:
    return replace(good(), web=web)
