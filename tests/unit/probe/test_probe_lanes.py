"""Lanes against model servers: all is found, at the price that was promised, and noise is no answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from port443.core.probe.alpn import survey_alpn
from port443.core.probe.asking import (
    Alerted,
    Answer,
    Ask,
    AskSSL2,
    Canary,
    Doubt,
    Ended,
    Garbled,
    Lane,
    NotAsked,
    Question,
    Refused,
    Spoke,
    SpokeSSL2,
    TimedOut,
    Unreached,
    WasReset,
    settled,
)
from port443.core.probe.contact import first_contact
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.hellos import Offer
from port443.core.probe.legacy import (
    SHORT_LIST,
    first_question,
    plain_question,
    short_question,
    survey_curves,
    survey_legacy,
    survey_ssl2,
)
from port443.core.probe.modern import full_question, survey_modern
from port443.core.wire.alerts import Alert
from port443.core.wire.extensions import Extension, ExtensionType
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.groups import CURVES_12, GROUPS_13
from port443.core.wire.messages import SignedParameters
from port443.core.wire.server_hello import RETRY_RANDOM, ServerHello
from port443.core.wire.suites import suites_13, suites_by_use, suites_legacy
from port443.core.wire.versions import Version

T = TypeVar("T")
HANDSHAKE_FAILURE, PROTOCOL_VERSION = Alerted(Alert(2, 40)), Alerted(Alert(2, 70))


@dataclass
class Model:
    """A server as a table. `order` is its own preference; without one it goes by the client's."""

    suites: dict[Version, tuple[int, ...]] = field(default_factory=dict)
    groups: tuple[int, ...] = (29, 23)
    own_order: bool = False
    certificate_group: int | None = None
    longest: int = 10**6
    asked: list[Question] = field(default_factory=list)

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        if not isinstance(question, Ask):
            return Ended()
        offer = question.offer
        if len(offer.suites) > self.longest:
            return Ended()
        if offer.version not in self.suites:
            return self._lower(offer)
        return self._choose(offer, offer.version)

    def _lower(self, offer: Offer) -> Answer:
        lower = [v for v in self.suites if v < offer.version and v < Version.TLS_1_3]
        if offer.version is Version.TLS_1_3 or not lower:
            return PROTOCOL_VERSION
        return self._choose(offer, max(lower))

    def _choose(self, offer: Offer, version: Version) -> Answer:
        suite = self._first(offer.suites, self.suites[version])
        group = self._first(offer.groups, self.groups) if offer.groups else self.groups[0]
        needs = self.certificate_group
        if suite is None or group is None or (needs and offer.groups and needs not in offer.groups):
            return HANDSHAKE_FAILURE
        return Spoke(_modern(suite, group) if version is Version.TLS_1_3 else _legacy(version, suite, group))

    def _first(self, offered: tuple[int, ...], mine: tuple[int, ...]) -> int | None:
        order, other = (mine, offered) if self.own_order else (offered, mine)
        return next((code for code in order if code in other), None)


def _modern(suite: int, group: int) -> Flight:
    version = Extension(ExtensionType.SUPPORTED_VERSIONS, b"\x03\x04")
    named = (version, Extension(ExtensionType.KEY_SHARE, group.to_bytes(2)))
    return Flight(retry=ServerHello(0x0303, RETRY_RANDOM, b"", suite, 0, named))


def _legacy(version: Version, suite: int, group: int) -> Flight:
    signed = SignedParameters(b"", group, b"", None, None, b"")
    return Flight(hello=ServerHello(version, bytes(32), b"", suite, 0, ()), signed=signed)


def walk(lane: Lane[T], answer: Callable[[Question], Answer]) -> T:
    """Play a lane against a server to its end."""
    try:
        question = next(lane)
        for _ in range(2000):
            question = lane.send(answer(question))
    except StopIteration as ended:
        result: T = ended.value
        return result
    raise AssertionError("the lane has no end")


legacy_sets = st.lists(st.sampled_from(suites_legacy()), min_size=1, max_size=40, unique=True).map(tuple)
modern_sets = st.lists(st.sampled_from(suites_13()), min_size=1, max_size=8, unique=True).map(tuple)
group_sets = st.lists(st.sampled_from(GROUPS_13), min_size=1, max_size=12, unique=True).map(tuple)
curve_sets = st.lists(st.sampled_from(CURVES_12), min_size=1, max_size=12, unique=True).map(tuple)
PATIENT = settings(deadline=None)
"""A walk of hundreds of questions takes as long as the machine has other things to do."""
CANARY = Ask(Offer(Version.TLS_1_2, (1,)))


@PATIENT
@given(suites=legacy_sets, own_order=st.booleans())
def test_elimination_finds_every_suite_and_asks_one_time_more(
    *, suites: tuple[int, ...], own_order: bool
) -> None:
    """Whatever a server takes, and in whatever order, costs as many hellos as it has suites, and one."""
    model = Model({Version.TLS_1_2: suites}, own_order=own_order)
    survey = walk(survey_legacy(Version.TLS_1_2, Canary(None)), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert (survey.facts.offered.is_yes, survey.facts.complete.is_yes) == (True, True)
    assert len(model.asked) == len(suites) + 1


@PATIENT
@given(suites=modern_sets, groups=group_sets, own_order=st.booleans())
def test_suites_and_groups_of_tls_13_are_found_side_by_side(
    *, suites: tuple[int, ...], groups: tuple[int, ...], own_order: bool
) -> None:
    """Each retry strikes out one of both, so that the longer list sets the price."""
    model = Model({Version.TLS_1_3: suites}, groups=groups, own_order=own_order)
    survey = walk(survey_modern(Canary(None)), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert set(survey.groups.groups) == set(groups)
    assert (survey.facts.complete.is_yes, survey.groups.complete.is_yes) == (True, True)
    assert len(model.asked) <= max(len(suites), len(groups)) + 6


@PATIENT
@given(curve_sets)
def test_curves_are_found_when_the_server_goes_by_the_clients_order(curves: tuple[int, ...]) -> None:
    """With an ECDSA certificate its own curve is offered each time, and all the others are still found."""
    model = Model({Version.TLS_1_2: (0xC02B,)}, groups=curves, certificate_group=curves[0])
    facts = walk(survey_curves(Offer(Version.TLS_1_2, (0xC02B,)), curves[0], Canary(None)), model.answer)
    assert set(facts.groups) == set(curves)
    assert facts.complete.is_yes or len(curves) == 1


@PATIENT
@given(curves=curve_sets, own_order=st.booleans())
def test_curves_are_all_found_when_the_server_does_not_mind_its_certificate(
    *, curves: tuple[int, ...], own_order: bool
) -> None:
    """Servers that take a curve although the certificate's own is not offered hide none of theirs."""
    model = Model({Version.TLS_1_2: (0xC02B,)}, groups=curves, own_order=own_order)
    facts = walk(survey_curves(Offer(Version.TLS_1_2, (0xC02B,)), curves[0], Canary(None)), model.answer)
    assert set(facts.groups) == set(curves)
    assert facts.complete.is_yes or len(curves) == 1
    assert len(model.asked) <= len(curves) + 4


@PATIENT
@given(curve_sets)
def test_a_server_that_prefers_its_certificates_curve_is_not_called_poor(curves: tuple[int, ...]) -> None:
    """What it hides behind its preference is unknown, not absent."""
    model = Model({Version.TLS_1_2: (0xC02B,)}, groups=curves, own_order=True, certificate_group=curves[0])
    facts = walk(survey_curves(Offer(Version.TLS_1_2, (0xC02B,)), curves[0], Canary(None)), model.answer)
    assert facts.groups == (curves[0],)
    assert facts.complete.is_unknown


@PATIENT
@given(curves=curve_sets, own_order=st.booleans())
def test_curves_are_found_without_any_trap_with_an_rsa_certificate(
    *, curves: tuple[int, ...], own_order: bool
) -> None:
    """No curve has to be kept, so that all are struck out in their turn."""
    model = Model({Version.TLS_1_2: (0xC02F,)}, groups=curves, own_order=own_order)
    facts = walk(survey_curves(Offer(Version.TLS_1_2, (0xC02F,)), None, Canary(None)), model.answer)
    assert (set(facts.groups), facts.complete.is_yes) == (set(curves), True)


@pytest.mark.parametrize("version", [Version.TLS_1_2, Version.TLS_1_1, Version.SSL_3])
def test_a_lower_answer_and_an_alert_both_say_no(version: Version) -> None:
    """A server that chooses an older version does not speak the one that was offered."""
    old = Model({Version.TLS_1_0: suites_legacy()[:3]})
    survey = walk(survey_legacy(version, Canary(first_question(Version.TLS_1_0))), old.answer)
    assert survey.facts.offered.is_no
    assert survey.facts.offered.reason


def test_a_server_that_breaks_over_long_lists_is_asked_in_short_ones() -> None:
    """All lists together still find all suites."""
    suites = (suites_by_use()[0], suites_by_use()[SHORT_LIST + 1], suites_by_use()[-1])
    model = Model({Version.TLS_1_2: suites}, longest=SHORT_LIST)
    canary = Canary(short_question(Version.TLS_1_2))
    survey = walk(survey_legacy(Version.TLS_1_2, canary), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert survey.facts.complete.is_yes


@pytest.mark.parametrize("how", [TimedOut(), Ended(), WasReset(), HANDSHAKE_FAILURE])
@pytest.mark.parametrize("longest", [64, 16])
def test_an_old_server_that_takes_no_long_hello_is_still_found(how: Answer, longest: int) -> None:
    """One that falls silent, ends, resets or refuses over a long list."""
    model = Model({Version.TLS_1_0: (0x002F,)})

    def answer(question: Question) -> Answer:
        model.asked.append(question)
        is_long = isinstance(question, Ask) and len(question.offer.suites) > longest
        return how if is_long else model.answer(question)

    canary = Canary(plain_question(Version.TLS_1_0))
    survey = walk(survey_legacy(Version.TLS_1_0, canary), answer)
    assert survey.facts.offered.is_yes
    assert [choice.code for choice in survey.facts.choices] == [0x002F]


def test_a_group_that_was_not_offered_is_no_answer() -> None:
    """A server that takes the same curve whatever it is offered leaves a doubt, and no fault."""
    flight = _legacy(Version.TLS_1_2, 0xC02F, 23)
    facts = walk(
        survey_curves(Offer(Version.TLS_1_2, (0xC02F,)), None, Canary(None)), lambda _: Spoke(flight)
    )
    assert facts.groups == (23,)
    assert "secp256r1 although it was not offered" in facts.complete.reason


def test_a_server_without_retries_leaves_its_lists_open() -> None:
    """When only hellos with a key are answered, what was seen is said to be the least."""
    model = Model({Version.TLS_1_3: (0x1301, 0x1302)})

    def answer(question: Question) -> Answer:
        keys = isinstance(question, Ask) and question.offer.share_groups
        return model.answer(question) if keys else HANDSHAKE_FAILURE

    survey = walk(survey_modern(Canary(None)), answer)
    assert survey.facts.offered.is_yes
    assert (survey.facts.complete.is_unknown, survey.groups.complete.is_unknown) == (True, True)


THROTTLES: tuple[Answer, ...] = (
    WasReset(), Ended(), TimedOut(), Unreached("gone"), HANDSHAKE_FAILURE, PROTOCOL_VERSION,
)  # fmt: skip


@PATIENT
@given(legacy_sets, st.integers(0, 60), st.sampled_from(THROTTLES))
def test_a_throttle_makes_things_unknown_and_never_absent(
    suites: tuple[int, ...], patience: int, silence: Answer
) -> None:
    """From whatever connection on the server falls silent, no suite and no version is denied."""
    model = Model({Version.TLS_1_2: suites})

    def answer(question: Question) -> Answer:
        return silence if len(model.asked) >= patience else model.answer(question)

    survey = walk(survey_legacy(Version.TLS_1_2, Canary(first_question(Version.TLS_1_2))), answer)
    found = {choice.code for choice in survey.facts.choices}
    assert found <= set(suites)
    assert not survey.facts.offered.is_no
    assert survey.facts.offered.is_unknown or survey.facts.complete.is_unknown or found == set(suites)


SONG: Answer = Spoke(_legacy(Version.TLS_1_2, 1, 29))
SETTLED: dict[str, tuple[list[Answer], type]] = {
    "an answer": ([SONG], Spoke),
    "an alert about the offer, beside a canary that sings": ([HANDSHAKE_FAILURE, SONG], Refused),
    "an alert about the offer, to the canary too": ([HANDSHAKE_FAILURE, HANDSHAKE_FAILURE], Doubt),
    "an alert about the offer, and no time for the canary": ([HANDSHAKE_FAILURE, NotAsked("late")], Doubt),
    "a reset, and then an alert to all": ([WasReset(), SONG, PROTOCOL_VERSION, PROTOCOL_VERSION], Doubt),
    "a reset, again, beside a canary that sings": ([WasReset(), SONG, WasReset()], Refused),
    "an end, again": ([Ended(), SONG, Ended()], Refused),
    "no TLS, again": ([Garbled("x"), SONG, Garbled("x")], Refused),
    "an alert about the server's own state, again": (
        [Alerted(Alert(2, 80)), SONG, Alerted(Alert(2, 80))], Refused,
    ),
    "a reset that does not come again": ([WasReset(), SONG, SONG], Spoke),
    "a reset and then an alert": ([WasReset(), SONG, HANDSHAKE_FAILURE, SONG], Refused),
    "a reset and then an end": ([WasReset(), SONG, Ended()], Doubt),
    "silence, again": ([TimedOut(), SONG, TimedOut()], Doubt),
    "a canary that no longer sings": ([WasReset(), WasReset()], Doubt),
    "no time": ([NotAsked("late")], Doubt),
}  # fmt: skip


@pytest.mark.parametrize("what", SETTLED)
def test_an_answer_counts_only_when_it_can_be_told_from_noise(what: str) -> None:
    """Each way that a question can go ends as it should, after so many connections and no more."""
    answers, wanted = SETTLED[what]
    left = iter(answers)
    outcome = walk(settled(first_question(Version.TLS_1_0), Canary(CANARY)), lambda _: next(left))
    assert type(outcome) is wanted
    assert list(left) == []


def test_after_the_canary_is_lost_nothing_is_asked_any_more() -> None:
    """A server that has closed itself off is left alone, and every further doubt has the reason."""
    canary = Canary(CANARY)
    walk(settled(first_question(Version.TLS_1_0), canary), lambda _: WasReset())
    lane = settled(first_question(Version.TLS_1_1), canary)
    with pytest.raises(StopIteration) as ended:
        next(lane)
    assert isinstance(ended.value.value, Doubt)
    assert "no longer answers" in ended.value.value.reason


def test_contact_goes_down_until_something_is_answered() -> None:
    """The first answered question becomes the canary, and all answers are kept for the lanes."""
    model = Model({Version.TLS_1_1: suites_legacy()})
    contact = walk(first_contact(), model.answer)
    assert contact.canary == first_question(Version.TLS_1_2)  # answered with TLS 1.1
    assert set(contact.answers) == {full_question(), first_question(Version.TLS_1_2)}


def test_contact_ends_at_once_where_there_is_no_way() -> None:
    """No second hello goes to a port that refuses connections."""
    asked: list[Question] = []
    nobody = ConnectRefused("nothing listens on [::1]:443")

    def refuse(question: Question) -> Answer:
        asked.append(question)
        return Unreached(nobody.message, nobody)

    contact = walk(first_contact(), refuse)
    assert (contact.canary, contact.silence, len(asked)) == (None, "nothing listens on [::1]:443", 1)
    assert contact.unreached is nobody


@pytest.mark.parametrize("said", [TimedOut(), Garbled("the port speaks SMTP", "STARTTLS")])
def test_contact_gives_up_on_silence_and_on_strangers(said: Answer) -> None:
    """Three hellos, long and short, are enough for a port that does not speak TLS at all."""
    contact = walk(first_contact(), lambda _: said)
    assert contact.canary is None
    assert list(contact.answers) == [
        full_question(), first_question(Version.TLS_1_2), short_question(Version.TLS_1_2),
    ]  # fmt: skip
    assert ("STARTTLS" in contact.advice) == isinstance(said, Garbled)


ALPN: dict[str, tuple[str | None, Answer, tuple[str, str]]] = {
    "both": ("h2", Spoke(Flight(Stage.COMPLETE, alpn="http/1.1")), ("yes", "yes")),
    "h2 alone": ("h2", Alerted(Alert(2, 120)), ("yes", "no")),
    "http/1.1, and h2 in vain": ("http/1.1", Spoke(Flight(Stage.COMPLETE)), ("no", "yes")),
    "none at all": (None, TimedOut(), ("no", "no")),
    "silence": ("h2", TimedOut(), ("yes", "unknown")),
    "half a flight": ("h2", Spoke(Flight(Stage.OPEN)), ("yes", "unknown")),
}


@pytest.mark.parametrize("what", ALPN)
def test_application_protocols_are_taken_refused_or_unknown(what: str) -> None:
    """Each is offered alone, unless the first handshake has told."""
    chosen, answer, wanted = ALPN[what]
    full = Flight(Stage.COMPLETE, alpn=chosen)
    found = walk(survey_alpn(full_question().offer, full, Canary(None)), lambda _: answer)
    assert tuple(one.taken.standing.value for one in found) == wanted
    assert [one.name for one in found] == ["h2", "http/1.1"]


def test_without_a_first_handshake_both_protocols_are_asked_for() -> None:
    """Nothing is taken from a flight that did not come to its end."""
    asked: list[Question] = []

    def answer(question: Question) -> Answer:
        asked.append(question)
        return Alerted(Alert(2, 120))

    found = walk(survey_alpn(full_question().offer, Flight(), Canary(None)), answer)
    assert [question.offer.alpn for question in asked if isinstance(question, Ask)] == [
        ("h2",),
        ("http/1.1",),
    ]
    assert all(one.taken.is_no for one in found)


def test_a_name_that_the_server_does_not_know_has_its_own_advice() -> None:
    """unrecognized_name speaks of the name, not of the versions."""
    said: list[Answer] = [Alerted(Alert(2, 112)), Ended(), *[PROTOCOL_VERSION] * 20]
    answers = iter(said)
    contact = walk(first_contact(), lambda _: next(answers))
    assert "--servername" in contact.advice
    assert contact.silence.startswith("alert unrecognized_name to TLS 1.3; connection closed")


def test_ssl_2_is_yes_no_or_unknown() -> None:
    """A SERVER-HELLO, a refusal that comes again, and silence."""
    offered = [
        walk(survey_ssl2(Canary(CANARY)), answer).offered
        for answer in (
            lambda _: SpokeSSL2((0x010080,)),
            lambda question: Ended() if isinstance(question, AskSSL2) else SONG,
            lambda _: TimedOut(),
        )
    ]
    assert [(v.is_yes, v.is_no, v.is_unknown) for v in offered] == [
        (True, False, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
