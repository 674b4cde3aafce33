"""Hostile policies: what a tree would make exponential costs little."""

from chain_table import P1, P2, policy_chain
from pki import NOW
from port443.core.x509.chain import ChainFault, explain_chain
from port443.core.x509.path import MAX_SIGNATURES, TrustedRoots
from port443.core.x509.policies import lacks_policy
from raw_x509 import Raw, called, mappings, policies, policy_constraints, raw_ca, raw_leaf, raw_root


def test_crossed_mappings_cost_no_more_than_their_number() -> None:
    """Thirty levels that map each of twenty policies to all: a tree would have 20^30 nodes."""
    many = [f"{P1}.{number}" for number in range(20)]
    crossed = mappings(*((one, other) for one in many for other in many))
    level = (policies(*many), crossed)
    levels = ((*level, policy_constraints(0)), *[level] * 29, (policies(P2),))
    _, sent = policy_chain(*levels)("a.test")
    below = [one.facts for one in sent]
    assert lacks_policy(below) == below[0]


def test_a_search_that_was_given_up_is_said() -> None:
    """What was not looked at is no verdict: the scanner says where it stopped."""
    root = raw_root()
    namesakes = [raw_ca(root, called("Twin")) for _ in range(MAX_SIGNATURES + 1)]
    lost = raw_leaf(raw_ca(Raw(called("Nobody")), called("Twin")), "a.test")
    sent = [one.facts for one in (lost, *namesakes[:119])]
    verdict = explain_chain(sent, TrustedRoots.of(one.facts for one in namesakes[119:]), NOW)
    assert ChainFault.SEARCH_ENDED in verdict.faults


def test_certificates_beyond_what_is_looked_at_are_said() -> None:
    root = raw_root()
    noise = [raw_ca(root, called(f"CA {number}")).facts for number in range(130)]
    middle = raw_ca(root, called("Middle"))
    verdict = explain_chain(
        [raw_leaf(middle, "a.test").facts, *noise, middle.facts], TrustedRoots.of([root.facts]), NOW
    )
    assert ChainFault.SEARCH_ENDED in verdict.faults
    assert not verdict.is_trusted
