"""ACME challenges in a plan: what they add to it, what they leave alone, and what is wrong with them."""

import base64

from plan_samples import credential, desired, needs_of, site
from port443.core.acme.challenges import HttpAnswer, PendingAnswer, TlsAlpnAnswer
from port443.core.contract.bounds import MAX_CHALLENGES
from port443.core.contract.read import read_document
from port443.core.contract.snapshot import Certificate, Challenges, PrivateKey, canonical
from port443.core.plan.breaches import breaches
from port443.core.plan.desired import SiteNeeds
from port443.core.plan.diff import diff
from port443.core.plan.planner import Plan, plan

SHOP, LATE = "shop.example.com", "late.example.com"
REVERSE = "10.2.0.192.in-addr.arpa"
WISHES = desired(site(SHOP), site(LATE, "192.0.2.10"))
SECRET = b"the key of a challenge"
SHOWN = TlsAlpnAnswer(REVERSE, (b"challenge",), SECRET)
TOLD = HttpAnswer("token", f"token.{'p' * 43}")


def planned(*answers: PendingAnswer) -> Plan:
    """Plan a site that runs, and one that waits for its first certificate."""
    return plan(WISHES, needs_of({SHOP: credential(SHOP)}) | {LATE: SiteNeeds(answers=answers)})


def told(before: Plan, after: Plan) -> list[str]:
    return [str(change) for change in diff(before, after)]


def test_both_kinds_are_part_of_the_plan() -> None:
    """The certificate of a challenge and its key are parts like any others."""
    made = planned(SHOWN, TOLD)
    for document in (made.root, *made.parts.values()):
        assert document == read_document(canonical(document))
    assert set(made.root.parts) == set(made.parts)
    shown = made.challenges.tls_alpn[REVERSE]
    certificate = made.parts[shown.certificate]
    assert isinstance(certificate, Certificate)
    assert (shown.site, certificate.names) == (LATE, (REVERSE,))
    assert made.parts[certificate.key] == PrivateKey(base64.b64encode(SECRET).decode())
    (answer,) = made.challenges.http.items()
    assert (answer[0], answer[1].site, answer[1].key_authorisation) == ("token", LATE, TOLD.key_authorisation)


def test_a_plan_without_challenges_has_no_part_for_them() -> None:
    made = planned()
    assert made.root.challenges is None
    assert made.challenges == Challenges({}, {})


def test_answering_leaves_the_rest_of_a_plan_as_it_is() -> None:
    """What runs keeps its hashes; what a former challenge needed goes, and the way back is the same plan."""
    plain, answering = planned(), planned(SHOWN, TOLD)
    assert plain.answering({LATE: (SHOWN, TOLD)}) == answering
    assert answering.answering({}) == plain
    assert plain.root.sites == answering.root.sites
    other = TlsAlpnAnswer(SHOP, (b"another",), b"another key")
    assert answering.answering({SHOP: (other,)}) == plain.answering({SHOP: (other,)})


def test_the_order_of_sites_changes_nothing() -> None:
    both = {SHOP: (TlsAlpnAnswer(SHOP, (b"a",), b"b"),), LATE: (SHOWN,)}
    turned = dict(reversed(both.items()))
    assert planned().answering(both).hash == planned().answering(turned).hash


def test_more_challenges_than_the_contract_allows_are_passed_over() -> None:
    """An order that asks for too much at once waits; it breaks nothing."""
    many = tuple(HttpAnswer(f"token{number}", f"t.{'p' * 43}") for number in range(MAX_CHALLENGES + 1))
    made = planned(*many, SHOWN)
    assert len(made.challenges.http) == MAX_CHALLENGES
    assert list(made.challenges.tls_alpn) == [REVERSE]


def test_challenges_are_told_with_their_site_and_without_secrets() -> None:
    came, went = told(planned(), planned(SHOWN, TOLD)), told(planned(SHOWN, TOLD), planned())
    assert came == [
        f"{LATE}: answers the challenge http-01 with token token",
        f"{LATE}: answers the challenge tls-alpn-01 of {REVERSE}",
    ]
    assert went == [line.replace("answers", "no longer answers") for line in came]
    assert not any(TOLD.key_authorisation in line for line in came)


def test_a_key_of_a_challenge_is_shown_by_nothing() -> None:
    made = planned(SHOWN)
    for text in (repr(SHOWN), repr(made), " ".join(told(planned(), made))):
        assert base64.b64encode(SECRET).decode() not in text
        assert SECRET.decode() not in text


def test_a_challenge_that_breaks_the_contract_is_its_sites_fault() -> None:
    """A CA may send any token; the other site is not concerned."""
    for answer, place in (
        (HttpAnswer("../x", f"../x.{'p' * 43}"), "challenges.http.../x"),
        (HttpAnswer("token", "token"), "challenges.http.token.key_authorisation"),
        (TlsAlpnAnswer("Late.example.com", (b"a",), SECRET), "challenges.tls_alpn.Late.example.com"),
        (TlsAlpnAnswer(LATE, (b"",), SECRET), f"challenges.tls_alpn.{LATE}.certificate.chain[0]"),
        (TlsAlpnAnswer(LATE, (b"a",), b""), f"challenges.tls_alpn.{LATE}.certificate.key.pkcs8"),
    ):
        found = breaches(planned(answer, SHOWN))
        assert {site: fault.path for site, fault in found.items()} == {LATE: f"site {LATE}: {place}"}
    assert breaches(planned(SHOWN, TOLD)) == {}
