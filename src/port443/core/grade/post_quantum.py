"""A server's readiness for quantum computers: key exchange and authentication, which are separate.

What is exchanged with classical groups today can be decrypted later from a recording. A signature must be
forged during the handshake, so that certificates can wait until such a computer is near.
"""

from dataclasses import dataclass

from port443.core.grade.facts import ScanFacts
from port443.core.probe.verdict import YES, Verdict, no, unknown
from port443.core.wire.groups import POST_QUANTUM_GROUPS, group_name
from port443.core.wire.versions import Version
from port443.core.x509.facts import CertFacts


@dataclass(frozen=True, slots=True)
class PostQuantum:
    """Both results, with their reasons."""

    key_exchange: Verdict
    groups: tuple[str, ...]
    """The hybrid and pure groups that the server takes."""
    authentication: Verdict
    keys: tuple[str, ...]
    """The kinds of key that certificates on the paths have, the leaf's first."""


def post_quantum(facts: ScanFacts) -> PostQuantum:
    """Return what is post-quantum of a server, and what is not."""
    groups = tuple(group_name(code) for code in facts.server.groups if code in POST_QUANTUM_GROUPS)
    path = [one for chain in facts.chains for one in chain.verdict.path]
    keys = tuple(dict.fromkeys(str(one.key) for one in path))
    return PostQuantum(_key_exchange(facts, groups), groups, _authentication(facts, path), keys)


def _key_exchange(facts: ScanFacts, groups: tuple[str, ...]) -> Verdict:
    modern, known = facts.server.version(Version.TLS_1_3).offered, facts.server.groups_13
    if groups:
        return YES
    if modern.is_no:
        return no("TLS 1.3 is not offered, and no older version has such groups")
    lacks = known.lacks(POST_QUANTUM_GROUPS)
    if modern.is_unknown or lacks.is_unknown:
        return unknown(modern.reason or lacks.reason)
    return no("only classical groups are taken")


def _authentication(facts: ScanFacts, path: list[CertFacts]) -> Verdict:
    """Whether a leaf and every signature below its root are post-quantum."""
    if facts.unreadable_chain is not None or not path:
        return unknown(facts.unreadable_chain or facts.no_chain)
    classical = [one for one in path if not one.key.is_post_quantum]
    if not classical:
        return YES
    return no(f"{classical[0].key} signs for {classical[0].subject or classical[0].fingerprint}")
