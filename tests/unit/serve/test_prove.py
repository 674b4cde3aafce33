"""Served equals issued: what is asked, and what is made of the answers."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from pki import NOW, intermediate, leaf, root
from plan_samples import desired, names, site
from port443.app.prove import Proof, proof_targets, prove
from port443.app.reconcile import RoundResult
from port443.core.names import Endpoint
from port443.core.plan.desired import Credential, Desired, OwnCertificate
from port443.core.x509.keys import pkcs8
from serve_bench import LOOPBACK, NAME, ONE_SITE, ServeBench
from standin_clock import StandInClock
from standin_edge import StandInDial

CA = root()
HERE = Endpoint("127.0.0.1", 8443)


def asked(wishes: Desired, loopback: tuple[str, ...] = LOOPBACK) -> list[str]:
    """Return what is asked, as `name@endpoint`."""
    credentials = {one.id: Credential(one.names, (b"leaf",), b"key") for one in wishes.sites}
    return [f"{one.name}@{one.endpoint}" for one in proof_targets(wishes, credentials, loopback)]


def at(*addresses: str) -> tuple[Endpoint, ...]:
    return tuple(Endpoint.parse(address) for address in addresses)


def test_every_name_is_asked_for_at_every_address() -> None:
    """Listeners on all addresses are asked on loopback; plain HTTP has nothing to prove."""
    wishes = desired(site("a.test", "*.a.test"), site("b.test"), https=at("10.0.0.7:443", "0.0.0.0:8443"))
    assert asked(wishes) == [
        "a.test@10.0.0.7:443", "*.a.test@10.0.0.7:443",
        "a.test@127.0.0.1:8443", "*.a.test@127.0.0.1:8443",
        "b.test@10.0.0.7:443", "b.test@127.0.0.1:8443",
    ]  # fmt: skip


def test_an_address_as_a_name_is_asked_for_where_it_is_served() -> None:
    """A hello for an address carries no name, so it goes to that address and no other."""
    wishes = desired(site("127.0.0.1", "::1"), https=at("127.0.0.1:8443", "[::]:8443", "10.0.0.7:443"))
    assert asked(wishes) == ["127.0.0.1@127.0.0.1:8443", "::1@[::1]:8443"]


def test_a_protocol_that_the_machine_lacks_is_not_asked() -> None:
    """With IPv6 switched off nobody reaches a listener on all its addresses."""
    both = desired(site("a.test"), https=at("0.0.0.0:443", "[::]:443"))
    assert asked(both, ("127.0.0.1",)) == ["a.test@127.0.0.1:443"]
    assert asked(both) == ["a.test@127.0.0.1:443", "a.test@[::1]:443"]


def test_a_site_without_a_certificate_is_not_asked() -> None:
    assert list(proof_targets(ONE_SITE, {}, LOOPBACK)) == []


def one_round(bench: ServeBench, wishes: Desired = ONE_SITE) -> RoundResult:
    return asyncio.run(bench.rounds().reconcile(wishes))


def again(dial: StandInDial, round_: RoundResult) -> list[Proof]:
    targets = proof_targets(round_.desired, round_.credentials, LOOPBACK)
    return list(asyncio.run(prove(dial, StandInClock(), targets)))


def test_what_is_served_as_issued_is_the_same(bench: ServeBench) -> None:
    """Leaf, chain and key are those that were issued, for names, wildcards and addresses."""
    round_ = one_round(bench, desired(site("a.test", "*.a.test", "127.0.0.1")))
    assert [(proof.name, proof.verdict) for proof in round_.proofs] == [
        ("a.test", "same"), ("*.a.test", "same"), ("127.0.0.1", "same"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("goes_on", "said"), [(-2, "its leaf begins 2026-03-01 11:00"), (91, "its leaf ended 2026-05-30 12:00")]
)
def test_the_right_chain_out_of_its_dates_is_no_proof(bench: ServeBench, goes_on: int, said: str) -> None:
    """What clients refuse for its dates is not as it should be, though it is what was issued."""
    round_ = one_round(bench)
    clock = StandInClock()
    clock.advance(days=goes_on)
    targets = list(proof_targets(round_.desired, round_.credentials, LOOPBACK))
    (proof,) = asyncio.run(prove(bench.dial, clock, targets))
    assert (proof.verdict, said in proof.detail) == ("different", True)
    (undated,) = asyncio.run(prove(bench.dial, clock, targets, checks_dates=False))
    assert undated.verdict == "same"


def test_every_date_of_the_chain_is_looked_at(bench: ServeBench, tmp_path: Path) -> None:
    """An intermediate that has ended is as bad as a leaf, though the site is served with what it brought."""
    old = intermediate(CA, not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=1))
    mine = leaf(old, NAME)
    (tmp_path / "chain").write_bytes(mine.pem + old.pem)
    (tmp_path / "key").write_bytes(mine.key_pem)
    brought = OwnCertificate(tmp_path / "chain", tmp_path / "key")
    (proof,) = one_round(bench, desired(site(NAME, certificate=brought))).proofs
    assert proof.verdict == "different"
    assert proof.detail == "the right chain is served, but its intermediate 1 ended 2026-02-28 12:00 UTC"


def test_another_leaf_is_told_with_both_fingerprints(bench: ServeBench) -> None:
    """Somebody else who answers for our name is seen."""
    round_ = one_round(bench)
    stranger = leaf(CA, NAME)
    bench.dial.impostors[HERE] = stranger
    (proof,) = again(bench.dial, round_)
    issued = asyncio.run(bench.store.active(f"site/{NAME}"))
    assert issued
    assert proof.verdict == "different"
    assert stranger.facts.fingerprint.text[:16] in proof.detail


def test_a_longer_chain_is_another_one(bench: ServeBench) -> None:
    """The leaf alone is not what was issued: browsers need the same chain that was checked."""
    made = leaf(CA, NAME)
    meant = Credential(names(NAME), (made.facts.der, CA.facts.der), pkcs8(made.key))
    one_round(bench)
    bench.dial.impostors[HERE] = made
    (proof,) = asyncio.run(prove(bench.dial, bench.clock, proof_targets(ONE_SITE, {NAME: meant}, LOOPBACK)))
    assert (proof.verdict, proof.detail) == (
        "different", "the leaf is right, but its chain has length 1, not 2",
    )  # fmt: skip


@pytest.mark.parametrize("way", ["closed", "refused"])
def test_what_cannot_be_seen_is_unknown(bench: ServeBench, way: str) -> None:
    """No connection, or a refusal, proves nothing of the certificate, and is no success."""
    round_ = one_round(bench)
    if way == "closed":
        bench.dial.closed.add(HERE)
    else:
        one_round(bench, desired(site("other.test")))
    (proof,) = again(bench.dial, round_)
    assert proof.verdict == "unknown"
    assert str(HERE) in proof.detail
