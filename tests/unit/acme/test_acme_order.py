"""One order: what is sent in which order, what is saved, and what every failure leads to."""

import json
from datetime import timedelta

import pytest
from cryptography import x509

from acme_ca import Answer, Certify, Changed, Cut, Instead, StandInCA, certify, problem, signed_leaf
from acme_play import CERTIFICATE_KEY, Crashed, Play, sent, state
from pki import NOW, Made, intermediate, leaf, root
from port443.core.acme.challenges import ChallengeType, HttpAnswer, TlsAlpnAnswer
from port443.core.acme.errors import (
    AcmeError,
    AnswerWrong,
    CABusy,
    CALimited,
    CAReplyInvalid,
    CAUnreachable,
    CertificateUnfit,
    NoChallengeFits,
    OrderLost,
    OrderRefused,
    OrderUnfinished,
    Verdict,
)
from port443.core.acme.progress import ChallengeChosen, NamesValidated, ReplacesRefused
from port443.core.x509.keys import spki_of
from port443.core.x509.path import TrustedRoots

ALPN, HTTP = ChallengeType


def test_an_order_takes_six_requests() -> None:
    """And no more: each costs a way to the CA and back."""
    play = Play()
    issued = play.order()
    assert sent(play) == ["new-order", "authorisation", "challenge", "order", "finalise", "certificate"]
    assert issued.chain[0].spki == spki_of(CERTIFICATE_KEY)
    assert [str(name) for name in issued.chain[0].names] == ["a.example"]
    assert issued.chain == (issued.chain[0], play.ca.issuer.facts)
    assert play.state.order_url == f"{play.ca.base}/order/0"


def test_hosts_and_addresses_stand_in_one_order() -> None:
    play = Play(state=state("b.example", "192.0.2.7", "2001:db8::1"))
    assert {str(name) for name in play.order().chain[0].names} == {"b.example", "192.0.2.7", "2001:db8::1"}
    (answers,) = play.published
    servers = [one.server_name for one in answers if isinstance(one, TlsAlpnAnswer)]
    assert servers[:2] == ["b.example", "7.2.0.192.in-addr.arpa"]
    assert servers[2].endswith(".8.b.d.0.1.0.0.2.ip6.arpa")


def test_answers_are_live_before_the_ca_is_told() -> None:
    """The CA of the tests validates at once, so the order would fail."""
    play = Play(can_answer=(HTTP,))
    play.order()
    names = [type(one).__name__ for one in play.commands]
    told = next(at for at, one in enumerate(play.commands) if getattr(one, "url", "").count("/challenge/"))
    assert names.index("Publish") < told
    ((answer,),) = play.published
    assert isinstance(answer, HttpAnswer)


def test_what_is_known_is_saved_before_anything_depends_on_it() -> None:
    play = Play()
    play.order()
    names = [type(one).__name__ for one in play.commands]
    assert names[:2] == ["Post", "Save"]


@pytest.mark.parametrize(
    ("can_answer", "offered", "chosen", "why"),
    [
        ((ALPN, HTTP), ("http-01", "tls-alpn-01"), ALPN, "it needs port 443 alone"),
        ((ALPN, HTTP), ("http-01",), HTTP, "the CA offers no tls-alpn-01"),
        ((HTTP,), ("http-01", "tls-alpn-01"), HTTP, "this site cannot answer tls-alpn-01 now"),
        ((ALPN,), ("http-01", "tls-alpn-01"), ALPN, "this site cannot answer http-01 now"),
        ((HTTP, ALPN), ("http-01", "tls-alpn-01"), HTTP, "it is preferred for this site"),
    ],
)
def test_the_choice_of_the_challenge_has_a_reason(
    can_answer: tuple[ChallengeType, ...], offered: tuple[str, ...], chosen: ChallengeType, why: str
) -> None:
    play = Play(StandInCA(offered=offered), can_answer=can_answer)
    play.order()
    (choice,) = (one for one in play.progress if isinstance(one, ChallengeChosen))
    assert (choice.type, choice.reason) == (chosen, why)


def test_a_name_without_a_challenge_that_fits_is_refused_with_what_would_help() -> None:
    play = Play(StandInCA(offered=("dns-01",)))
    with pytest.raises(NoChallengeFits, match="offers dns-01 to validate") as raised:
        play.order()
    assert (raised.value.verdict, play.state.order_url) == (Verdict.OURS, None)


def test_authorisations_that_hold_are_not_proved_again() -> None:
    play = Play()

    def valid(answer: Answer) -> Answer:
        play.ca.authorisations[0].status = "valid"
        return answer

    play.ca.faults["new-order"].append(Changed(valid))
    play.order()
    assert play.published == []
    assert [one.reused for one in play.progress if isinstance(one, NamesValidated)] == [True]


def test_a_profile_stands_in_the_order_and_one_that_is_unknown_is_not_ordered() -> None:
    play = Play(state=state(profile="short"))
    play.order()
    assert play.ca.orders[0].request["profile"] == "short"
    other = Play(state=state(profile="long"))
    with pytest.raises(OrderRefused, match="does not offer the profile 'long'") as raised:
        other.order()
    assert "short" in raised.value.hint
    assert other.ca.orders == []


def test_an_order_that_comes_back_with_another_profile_is_not_gone_on_with() -> None:
    play = Play(state=state(profile="short"))
    play.ca.faults["new-order"].append(Changed(lambda answer: changed(answer, profile="classic")))
    with pytest.raises(CertificateUnfit, match="classic"):
        play.order()
    assert play.ca.issued == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503])
@pytest.mark.parametrize("kind", ["alreadyReplaced", "conflict", "malformed", "rateLimited", ""])
def test_a_refused_replaces_is_the_same_order_at_once_without_it(status: int, kind: str) -> None:
    refused = problem(status, kind) if kind else Answer(status)
    play = Play(StandInCA(replaces_refused=refused), state=state(replaces="aa.bb"))
    play.order()
    assert sent(play)[:2] == ["new-order", "new-order"]
    assert "replaces" not in play.ca.orders[0].request
    assert play.state.replaces is None
    assert any(isinstance(one, ReplacesRefused) for one in play.progress)
    kinds = [type(one).__name__ for one in play.commands]
    assert "Wait" not in kinds[: kinds.index("Post", 1)]


def test_an_accepted_replaces_stands_in_the_order() -> None:
    play = Play(state=state(replaces="aa.bb"))
    play.order()
    assert play.ca.orders[0].request["replaces"] == "aa.bb"


def test_a_failed_validation_names_the_name_and_the_way() -> None:
    play = Play(state=state("a.example", "b.example"))
    play.ca.validates = lambda name: name != "b.example"
    with pytest.raises(AnswerWrong) as raised:
        play.order()
    error = raised.value
    assert "b.example: nothing right at b.example" in error.message
    assert (error.names, error.challenge, error.verdict) == (("b.example",), "tls-alpn-01", Verdict.OURS)
    assert error.problem is not None
    assert error.facts()["problem"] == error.problem.to_json()
    assert play.state.order_url is None


def test_all_names_that_failed_stand_in_one_error() -> None:
    names = tuple(f"{letter}.example" for letter in "abcde")
    play = Play(state=state(*names))
    play.ca.validates = lambda name: name == "a.example"
    # A CA that goes on validating: the first failure is seen when all have been told.
    with pytest.raises(AnswerWrong) as raised:
        play.order()
    assert raised.value.names == names[1:]
    assert "and 1 more" in raised.value.message


@pytest.mark.parametrize("looks", [0, 1, 20])
def test_a_slow_ca_is_asked_until_it_is_done(looks: int) -> None:
    play = Play(StandInCA(pending_looks=looks, processing_looks=looks))
    play.order()
    assert play.ca.issued == 1
    assert play.now_s < 200


def test_a_ca_that_is_never_done_is_left_with_the_order_open() -> None:
    """And the next attempt goes on with it, and orders nothing."""
    play = Play(StandInCA(processing_looks=10**6))
    with pytest.raises(OrderUnfinished) as raised:
        play.order()
    assert play.now_s <= 300
    assert (raised.value.verdict, raised.value.retry) == (Verdict.UNAVAILABLE, True)
    assert play.state.order_url is not None
    play.ca.processing_looks = 0
    play.order()
    assert (len(play.ca.orders), play.ca.issued) == (1, 1)


def test_retry_after_is_waited_for() -> None:
    play = Play(StandInCA(pending_looks=2))
    play.ca.every["order"] = Changed(
        lambda it: Answer(it.status, it.body, {**it.headers, "Retry-After": "7"})
    )
    play.order()
    assert play.now_s > 14


def test_a_retry_after_beyond_the_attempt_ends_it_with_the_time() -> None:
    play = Play(StandInCA(processing_looks=10**6))
    play.ca.every["order"] = Changed(
        lambda it: Answer(it.status, it.body, {**it.headers, "Retry-After": "86400"})
    )
    with pytest.raises(OrderUnfinished) as raised:
        play.order()
    assert raised.value.retry_at is not None
    assert raised.value.retry_at > NOW + timedelta(hours=23)
    assert play.now_s < 10


# --- faults ---

STEPS = ["new-order", "authorisation", "challenge", "order", "finalise", "certificate"]


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_a_connection_that_is_cut_costs_a_request(step: str, *, done: bool) -> None:
    """Whether the CA did what it was asked, or not: one certificate, and no order more than need be."""
    play = Play(StandInCA(pending_looks=1, processing_looks=1))
    play.ca.faults[step].append(Cut(done))
    play.order()
    assert play.ca.issued == 1
    assert len(play.ca.orders) == (2 if step == "new-order" and done else 1)


@pytest.mark.parametrize("retry_after", [None, "1", "Sun, 01 Mar 2026 12:00:09 GMT"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("step", STEPS)
def test_a_busy_ca_is_asked_again(step: str, status: int, retry_after: str | None) -> None:
    headers = {"Retry-After": retry_after, "Date": "Sun, 01 Mar 2026 12:00:07 GMT"} if retry_after else {}
    play = Play()
    play.ca.faults[step].append(Instead(Answer(status, b"<html>busy</html>", headers)))
    play.order()
    assert (play.ca.issued, len(play.ca.orders)) == (1, 1)
    assert play.now_s < 10


@pytest.mark.parametrize("step", STEPS)
def test_a_ca_that_stays_away_ends_the_attempt_and_loses_nothing(step: str) -> None:
    play = Play(StandInCA(pending_looks=1))
    play.ca.every[step] = Cut(done=False)
    with pytest.raises(CAUnreachable):
        play.order()
    assert play.now_s < 30
    del play.ca.every[step]
    play.order()
    assert (play.ca.issued, len(play.ca.orders)) == (1, 1)


@pytest.mark.parametrize("step", STEPS)
def test_a_rate_limit_says_when(step: str) -> None:
    refused = problem(429, "rateLimited", "too many")
    play = Play()
    play.ca.every[step] = Instead(Answer(429, refused.body, {**refused.headers, "Retry-After": "3600"}))
    with pytest.raises(CALimited, match="not before 2026-03-01 13:00") as raised:
        play.order()
    assert raised.value.verdict is Verdict.LIMITED
    del play.ca.every[step]
    play.order()
    assert (play.ca.issued, len(play.ca.orders)) == (1, 1)


@pytest.mark.parametrize(
    "status", [*range(200, 206), 301, 302, 307, 308, 400, 401, 403, 404, 405, 409, 410, 418]
)
@pytest.mark.parametrize("step", STEPS)
def test_whatever_status_comes_is_an_error_that_can_be_acted_on(step: str, status: int) -> None:
    play = Play()
    play.ca.every[step] = Instead(Answer(status, b"", {"Location": "https://elsewhere.example/"}))
    with pytest.raises(AcmeError) as raised:
        play.order()
    assert raised.value.hint
    del play.ca.every[step]
    play.order()
    # A certificate that the CA made and does not give is lost: another one is ordered.
    assert play.ca.issued == (2 if isinstance(raised.value, OrderLost) and step == "certificate" else 1)


BODIES = [
    b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"status": 5}', b'{"status": "Valid"}',
    b'{"status": "valid"}', b'{"status": "pending", "authorizations": "x", "finalize": "https://ca.test/f"}',
    b'{"status": "pending", "identifiers": [1]}', b'{"a": 1e999}', b'{"status": "valid", "identifiers": {}}',
    b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("step", [step for step in STEPS if step != "challenge"])
def test_malformed_replies_are_named_as_such(step: str, body: bytes) -> None:
    play = Play()
    play.ca.faults[step].append(Changed(lambda it: Answer(it.status, body, it.headers)))
    with pytest.raises(AcmeError) as raised:
        play.order()
    assert "ca.test" in raised.value.message
    assert len(raised.value.message) < 600
    play.order()
    assert play.ca.issued >= 1


@pytest.mark.parametrize(
    "token", ["../../etc/passwd", "a/b", "", "a b", "%2e%2e", "é", "a" * 257, "a\nb", "a?b#c"]
)
def test_a_token_that_is_none_is_never_published(token: str) -> None:
    play = Play()
    play.ca.every["authorisation"] = Changed(
        lambda it: changed(it, challenges=[{**one, "token": token} for one in it.json()["challenges"]])
    )
    with pytest.raises(CAReplyInvalid, match="token"):
        play.order()
    assert play.published == []


ELSEWHERE = [
    "https://evil.example/x", "http://ca.test/x", "https://ca.test:8443/x", "https://ca.test@evil.example/x",
    "//ca.test/x", "/x", "https://ca.test.evil.example/", "https://ca.test/../x", "https://ca.test/a/%2E%2e/x",
    "file:///etc/passwd", "https://ca.test/x y", "https://ca.test/x\r\nHost: evil",
    "https://ca.test\\@evil/", "https://ca.test",
    "https://169.254.169.254/latest/meta-data", "https://[::1]/x", "https://ca.test/" + "a" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("link", ELSEWHERE, ids=range(len(ELSEWHERE)))
@pytest.mark.parametrize(
    ("step", "field"),
    [
        ("new-order", "Location"),
        ("new-order", "finalize"),
        ("new-order", "authorizations"),
        ("authorisation", "challenges"),
        ("finalise", "certificate"),
    ],
)
def test_no_url_leads_away_from_the_directorys_host(step: str, field: str, link: str) -> None:
    play = Play()

    def led_away(it: Answer) -> Answer:
        if field == "Location":
            return Answer(it.status, it.body, {**it.headers, "Location": link})
        if field == "challenges":
            return changed(it, challenges=[{**one, "url": link} for one in it.json()["challenges"]])
        return changed(it, **{field: [link] if field == "authorizations" else link})

    play.ca.every[step] = Changed(led_away)
    with pytest.raises(CAReplyInvalid, match="not its own"):
        play.order()
    base = play.ca.base
    assert all(one.url.startswith(f"{base}/") for one in play.commands if hasattr(one, "url"))


def test_a_link_to_another_chain_that_leads_away_costs_nothing() -> None:
    play = Play(roots=(TrustedRoots.of([root("Nobody's").facts]),))
    play.ca.every["certificate"] = Changed(
        lambda it: Answer(
            it.status, it.body, {**it.headers, "Link": '<https://evil.example/>;rel="alternate"'}
        )
    )
    assert play.order().chains_offered == 1


# --- the certificate ---


def test_among_the_chains_the_shortest_that_all_believe_is_taken() -> None:
    ca = StandInCA()
    believed = Play(ca, roots=(TrustedRoots.of([ca.other_root.facts]),)).order()
    assert believed.chain[1] == ca.cross.facts
    assert (believed.chains_offered, believed.is_believed) == (2, True)
    nobody = Play(StandInCA(), roots=(TrustedRoots.of([root("Nobody's").facts]),)).order()
    assert not nobody.is_believed
    assert Play(StandInCA()).order().chains_offered == 1  # nobody asks for more than the first


WRONG: dict[str, Certify] = {
    "for a key that is not ours": lambda ca, _: [[signed_leaf(ca, leaf().key.public_key(), "a.example")]],
    "lacks a.example": lambda ca, csr: [[signed_leaf(ca, csr.public_key(), "b.example")]],
    "is also for b.example": lambda ca, csr: [
        [signed_leaf(ca, csr.public_key(), "a.example", "b.example"), ca.issuer.certificate]
    ],
    "ended": lambda ca, csr: certify(ca, csr, not_before=NOW - timedelta(days=100)),
    "begins": lambda ca, csr: certify(ca, csr, not_before=NOW + timedelta(days=1)),
    "nothing in it signed": lambda ca, csr: [
        [signed_leaf(ca, csr.public_key(), "a.example"), root("Somebody else").certificate]
    ],
    "was not made by": lambda ca, csr: [
        [signed_leaf(ca, csr.public_key(), "a.example", by=ca.issuer), root("CA issuer").certificate]
    ],
    "ended 2": lambda ca, csr: [
        [signed_leaf(ca, csr.public_key(), "a.example", by=(old := expired(ca))), old.certificate]
    ],
    "may not sign": lambda ca, csr: [
        [signed_leaf(ca, csr.public_key(), "a.example", by=(no := leaf(ca.root))), no.certificate]
    ],
}


def expired(ca: StandInCA) -> Made:
    return intermediate(ca.root, "Old issuer", not_after=NOW - timedelta(hours=1))


@pytest.mark.parametrize("why", WRONG)
def test_a_certificate_that_was_not_ordered_is_never_handed_out(why: str) -> None:
    play = Play(StandInCA(certify=WRONG[why]))
    with pytest.raises(CertificateUnfit, match=why.split(" 2", maxsplit=1)[0]):
        play.order()
    assert play.state.order_url is None


@pytest.mark.parametrize("chain", ["shuffled", "with root", "twice", "leaf alone"])
def test_a_chain_is_handed_out_in_order_without_root_and_extras(chain: str) -> None:
    def made(ca: StandInCA, csr: x509.CertificateSigningRequest) -> list[list[x509.Certificate]]:
        ((one, issuer), _) = certify(ca, csr)
        root_too = ca.root.certificate
        return {
            "shuffled": [[root_too, issuer, one]],
            "with root": [[one, issuer, root_too]],
            "twice": [[one, issuer, issuer, one]],
            "leaf alone": [[one]],
        }[chain]

    play = Play(StandInCA(certify=made))
    issued = play.order()
    assert issued.chain[1:] == (() if chain == "leaf alone" else (play.ca.issuer.facts,))


# --- crashes ---


def test_a_crash_anywhere_ends_in_one_certificate() -> None:
    """Before or after every single command, also twice: what is on order is gone on with."""
    whole = Play(StandInCA(pending_looks=1, processing_looks=1))
    whole.order()
    for at in range(len(whole.commands)):
        for after in (False, True):
            play = Play(StandInCA(pending_looks=1, processing_looks=1))
            play.crash_at = at, after
            with pytest.raises(Crashed):
                play.order()
            play.crash_at = None
            known = play.state.order_url
            play.order()
            assert play.ca.issued == 1, (at, after)
            assert len(play.ca.orders) == (1 if known or len(play.ca.orders) == 1 else 2)
            if known:
                assert "new-order" not in sent(play)


def test_an_order_that_the_ca_has_forgotten_is_made_anew_at_the_next_attempt() -> None:
    play = Play(StandInCA(processing_looks=10**6))
    with pytest.raises(OrderUnfinished):
        play.order()
    account = play.account()
    play.ca.orders.clear()
    with pytest.raises(OrderLost):
        play.order(account)
    assert play.state.order_url is None
    play.ca.processing_looks = 0
    play.order(account)
    assert play.ca.issued == 1


@pytest.mark.parametrize("kind", ["badNonce", "userActionRequired", "rateLimited", "serverInternal"])
def test_a_refusal_that_passes_does_not_cost_the_order(kind: str) -> None:
    """Terms that are to be agreed to anew, or a CA that is out of sorts, are no reason to order again."""
    play = Play(StandInCA(processing_looks=10**6))
    with pytest.raises(OrderUnfinished):
        play.order()
    play.ca.every["order"] = Instead(problem(403, kind))
    with pytest.raises(AcmeError):
        play.order()
    play.ca.every.clear()
    play.ca.processing_looks = 0
    play.order()
    assert (len(play.ca.orders), play.ca.issued) == (1, 1)


def test_a_certificate_request_that_is_refused_ends_the_order() -> None:
    play = Play()
    play.ca.every["finalise"] = Instead(problem(400, "badCSR", "weak key"))
    with pytest.raises(OrderRefused, match="weak key"):
        play.order()
    assert play.state.order_url is None


def test_a_busy_certificate_request_is_sent_three_times_at_most() -> None:
    play = Play()
    play.ca.every["finalise"] = Instead(Answer(503))
    with pytest.raises(CABusy):
        play.order()
    assert sent(play).count("finalise") == 3
    assert play.state.order_url is not None


def changed(answer: Answer, **fields: object) -> Answer:
    return Answer(answer.status, json.dumps({**answer.json(), **fields}).encode(), answer.headers)
