"""How a server negotiates, for people."""

from collections.abc import Iterator

from port443.cli.output import Tone
from port443.cli.scan_lines import lines
from port443.core.probe.facts import NOT_LOOKED, ServerFacts, Trait
from port443.core.probe.verdict import Standing
from port443.core.wire.groups import scheme_name

WANTED = {
    "browser_hello",
    "browser_hello_split",
    "fallback_scsv",
    "downgrade_sentinel",
    "extended_master_secret",
    "version_tolerance",
    "encrypt_then_mac",
    "http2",
}
"""Traits that a server should have."""
UNWANTED = {"key_reuse", "client_renegotiation", "early_data_post", "tls_1_3_drafts", "npn"}


def negotiation_lines(server: ServerFacts) -> Iterator[str]:
    """Write whose order counts, each trait, and the signature schemes of handshakes."""
    orders = [one for one in server.versions if one.own_order != NOT_LOOKED]
    for one in orders:
        own = {Standing.YES: "the server's", Standing.NO: "the client's"}.get(
            one.own_order.standing, "unknown"
        )
        tone: Tone | None = "quiet" if one.own_order.is_unknown else None
        yield from lines(tone, "order", f"{one.version.label}: {own}   {one.own_order.reason}")
    for trait in server.traits:
        words = f"{trait.title}: {trait.verdict.standing}   {trait.verdict.reason}"
        yield from lines(_trait_tone(trait), "", words)
    if server.schemes.schemes or (server.schemes.complete.is_unknown and server.schemes.version is not None):
        names = " ".join(scheme_name(code) for code in server.schemes.schemes) or "unknown"
        least = f"   at least; {server.schemes.complete.reason}" if server.schemes.complete.is_unknown else ""
        yield from lines(None, "signatures", names + least)


def _trait_tone(trait: Trait) -> Tone | None:
    if trait.verdict.is_unknown:
        return "quiet"
    if trait.id in WANTED:
        return "good" if trait.verdict.is_yes else "note"
    if trait.id in UNWANTED:
        return "note" if trait.verdict.is_yes else "good"
    return None
