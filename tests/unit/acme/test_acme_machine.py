"""Any sequence of events: faults, crashes and time at every step, and replies that are anything at all."""

import json
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acme_ca import Answer, Changed, Cut, Endless, Fault, Instead, StandInCA, problem
from acme_play import Crashed, Play, sent, state
from port443.core.acme.account import Account
from port443.core.acme.challenges import ChallengeType
from port443.core.acme.errors import AcmeError
from port443.core.acme.reply import Reply

STEPS = ("new-order", "authorisation", "challenge", "order", "finalise", "certificate")
KINDS = ("malformed", "serverInternal", "rateLimited", "unauthorized", "orderNotReady", "conflict", "")
headers = st.sampled_from([{}, {"Retry-After": "2"}, {"Retry-After": "Sun, 01 Mar 2026 12:00:09 GMT"}])


def refused(status: int, kind: str, fields: dict[str, str]) -> Instead:
    answer = problem(status, kind)
    return Instead(Answer(status, answer.body if kind else b"", answer.headers | fields))


faults: st.SearchStrategy[Fault] = st.one_of(
    st.builds(Cut, st.booleans()),
    st.just(Endless()),
    st.builds(refused, st.sampled_from([400, 403, 404, 409, 429, 500, 503]), st.sampled_from(KINDS), headers),
    st.just(Changed(lambda it: Answer(it.status, it.body[:20], it.headers))),
)


class OneName(RuleBasedStateMachine):
    """One name at one CA, over many attempts."""

    def __init__(self) -> None:
        super().__init__()
        names = ("a.example", "b.example")
        self.play = Play(StandInCA(), state=state(*names, replaces="aa.bb"))
        self.account = self.play.account()
        self.is_done = False

    @rule(step=st.sampled_from(STEPS), fault=faults)
    def fails_next(self, step: str, fault: Fault) -> None:
        self.play.ca.faults[step].append(fault)

    @rule(pending=st.integers(0, 3), processing=st.integers(0, 3))
    def takes_its_time(self, pending: int, processing: int) -> None:
        self.play.ca.pending_looks, self.play.ca.processing_looks = pending, processing

    @rule(refuses=st.booleans())
    def refuses_replacements(self, refuses: bool) -> None:  # noqa: FBT001 - hypothesis names it
        self.play.ca.replaces_refused = problem(409, "alreadyReplaced") if refuses else None

    @rule(types=st.sampled_from([tuple(ChallengeType), (ChallengeType.HTTP,), (ChallengeType.TLS_ALPN,)]))
    def can_answer(self, types: tuple[ChallengeType, ...]) -> None:
        self.play.can_answer = types

    @precondition(lambda self: not self.is_done)
    @rule(crash=st.none() | st.tuples(st.integers(0, 40), st.booleans()))
    def attempts(self, crash: tuple[int, bool] | None) -> None:
        known, began = self.play.state.order_url, self.play.now_s
        self.play.crash_at = crash
        try:
            issued = self.play.order(self.account)
        except (AcmeError, Crashed):
            pass
        else:
            assert {str(name) for name in issued.chain[0].names} == {"a.example", "b.example"}
            self.is_done = True
        assert self.play.now_s - began <= self.play.within_s + 60
        if known:
            assert "new-order" not in sent(self.play)

    @invariant()
    def every_order_is_of_one_attempt(self) -> None:
        orders = self.play.ca.orders
        assert self.play.ca.issued <= len(orders)
        if self.play.state.order_url:
            assert int(self.play.state.order_url.rsplit("/", 1)[1]) == len(orders) - 1

    def teardown(self) -> None:
        """When all goes well again there is a certificate, after two attempts at most."""
        self.play.ca.faults.clear()
        self.play.crash_at = None
        for _ in range(2):
            if self.is_done:
                return
            try:
                self.play.order(self.account)
                self.is_done = True
            except AcmeError:
                assert self.play.state.order_url is None
        assert self.is_done


TestOneName = OneName.TestCase
TestOneName.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

WORDS = ["pending", "ready", "processing", "valid", "invalid", "https://ca.test/order/0", "dns", "a.example"]
plain = st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(WORDS)
keys = st.sampled_from(
    [
        "status", "identifiers", "authorizations", "finalize", "certificate", "error", "type", "value", "url",
        "challenges", "token", "identifier", "profile", "detail", "subproblems",
    ]
)  # fmt: skip
values = st.recursive(
    plain, lambda one: st.lists(one, max_size=3) | st.dictionaries(keys, one), max_leaves=12
)


@st.composite
def spoilers(draw: Callable[[st.SearchStrategy[object]], object]) -> Callable[[Reply], Reply]:
    """Make whatever replaces the bodies of replies, field by field or whole."""
    changes = draw(st.dictionaries(keys, values, max_size=3))
    whole = draw(st.none() | values)
    every = draw(st.integers(1, 4))
    seen = [0]

    def spoil(reply: Reply) -> Reply:
        seen[0] += 1
        if seen[0] % every:  # type: ignore[operator]
            return reply
        try:
            content = json.loads(reply.body)
        except ValueError:
            content = {}
        changed = whole if whole is not None else content | changes
        return Reply(
            reply.url,
            reply.status,
            body=json.dumps(changed).encode(),
            location=reply.location,
            links=reply.links,
        )

    return spoil


@settings(max_examples=150, deadline=None)
@given(spoilers())
def test_whatever_a_ca_says_ends_in_a_certificate_or_an_error(spoil: Callable[[Reply], Reply]) -> None:
    """Within the time of an attempt, and after a bounded number of requests."""
    play = Play()
    account = play.account()
    play.spoil = spoil
    error = outcome(play, account)
    assert error is None or (error.message.isprintable() and len(error.message) < 2000)
    assert len(play.commands) < 1500
    assert play.now_s < 400


def outcome(play: Play, account: Account) -> AcmeError | None:
    try:
        play.order(account)
    except AcmeError as error:
        return error
    return None
