"""Served equals issued: what is asked, and what is made of the answers."""

import asyncio

import pytest

from pki import leaf, root
from plan_samples import desired, names, site
from port443.app.converge import Converged
from port443.app.prove import Proof, prove, questions
from port443.core.names import Endpoint
from port443.core.plan.desired import Credential, Desired
from port443.core.x509.keys import pkcs8
from serve_bench import LOOPBACK, NAME, ONE_SITE, ServeBench
from standin_clock import StandInClock
from standin_edge import StandInDial

CA = root()
HERE = Endpoint("127.0.0.1", 8443)


def asked(wishes: Desired, loopback: tuple[str, ...] = LOOPBACK) -> list[str]:
    """Return what is asked, as `name@endpoint`."""
    credentials = {one.id: Credential(one.names, (b"leaf",), b"key") for one in wishes.sites}
    return [f"{one.name}@{one.endpoint}" for one in questions(wishes, credentials, loopback)]


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
    assert list(questions(ONE_SITE, {}, LOOPBACK)) == []


def one_round(bench: ServeBench, wishes: Desired = ONE_SITE) -> Converged:
    return asyncio.run(bench.converger().converge(wishes))


def again(dial: StandInDial, round_: Converged) -> list[Proof]:
    asked_again = questions(round_.desired, round_.credentials, LOOPBACK)
    return list(asyncio.run(prove(dial, StandInClock(), asked_again)))


def test_what_is_served_as_issued_is_the_same(bench: ServeBench) -> None:
    """Leaf, chain and key are those that were issued, for names, wildcards and addresses."""
    round_ = one_round(bench, desired(site("a.test", "*.a.test", "127.0.0.1")))
    assert [(proof.name, proof.verdict) for proof in round_.proofs] == [
        ("a.test", "same"), ("*.a.test", "same"), ("127.0.0.1", "same"),
    ]  # fmt: skip


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
    (proof,) = asyncio.run(prove(bench.dial, bench.clock, questions(ONE_SITE, {NAME: meant}, LOOPBACK)))
    assert (proof.verdict, proof.detail) == (
        "different", "the leaf is right, but its chain has 1 certificates and not the 2 meant",
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
