"""Probes against model servers: all is found, at the price that was promised, and noise is no answer."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_server import HANDSHAKE_FAILURE, PROTOCOL_VERSION, Model, legacy_flight, walk
from port443.core.probe.alpn import survey_alpn
from port443.core.probe.confirm import (
    CONTROLS,
    ControlProbe,
    Inconclusive,
    Outcome,
    Refused,
    check,
    confirm,
)
from port443.core.probe.contact import first_contact
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.hellos import Offer
from port443.core.probe.legacy import (
    SHORT_LIST,
    bare_query,
    lean_query,
    plain_query,
    short_query,
    survey_curves,
    survey_legacy,
    survey_ssl2,
    wide_query,
)
from port443.core.probe.modern import handshake_queries, handshake_query, survey_modern
from port443.core.probe.query import (
    Accepted,
    AcceptedSSL2,
    AlertReceived,
    Closed,
    NoAnswer,
    NotConnected,
    NotSent,
    Probe,
    ProtocolViolation,
    Query,
    Reset,
    Response,
    SSL2Query,
    TLSQuery,
)
from port443.core.wire.alerts import Alert
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.groups import CURVES_12, GROUPS_13
from port443.core.wire.suites import suites_13, suites_by_use, suites_legacy
from port443.core.wire.versions import Version

legacy_sets = st.lists(st.sampled_from(suites_legacy()), min_size=1, max_size=40, unique=True).map(tuple)
modern_sets = st.lists(st.sampled_from(suites_13()), min_size=1, max_size=8, unique=True).map(tuple)
group_sets = st.lists(st.sampled_from(GROUPS_13), min_size=1, max_size=12, unique=True).map(tuple)
curve_sets = st.lists(st.sampled_from(CURVES_12), min_size=1, max_size=12, unique=True).map(tuple)
PATIENT = settings(deadline=None)
"""A walk of hundreds of queries takes as long as the machine has other things to do."""
CONTROL = TLSQuery(Offer(Version.TLS_1_2, (1,)))


@PATIENT
@given(suites=legacy_sets, own_order=st.booleans())
def test_elimination_finds_every_suite_and_asks_twice_more(
    *, suites: tuple[int, ...], own_order: bool
) -> None:
    """Whatever a server takes, and in whatever order, costs a hello for each suite, and two at most."""
    model = Model({Version.TLS_1_2: suites}, own_order=own_order)
    survey = walk(survey_legacy(Version.TLS_1_2, ControlProbe(None)), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert (survey.facts.offered.is_yes, survey.facts.complete.is_yes) == (True, True)
    assert len(model.asked) <= len(suites) + 2


@PATIENT
@given(suites=modern_sets, groups=group_sets, own_order=st.booleans())
def test_suites_and_groups_of_tls_13_are_found_side_by_side(
    *, suites: tuple[int, ...], groups: tuple[int, ...], own_order: bool
) -> None:
    """Each retry strikes out one of both, so that the longer list sets the price."""
    model = Model({Version.TLS_1_3: suites}, groups=groups, own_order=own_order)
    survey = walk(survey_modern(ControlProbe(None)), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert set(survey.groups.groups) == set(groups)
    assert (survey.facts.complete.is_yes, survey.groups.complete.is_yes) == (True, True)
    assert len(model.asked) <= max(len(suites), len(groups)) + 9


@PATIENT
@given(curve_sets)
def test_curves_are_found_when_the_server_goes_by_the_clients_order(curves: tuple[int, ...]) -> None:
    """With an ECDSA certificate its own curve is offered each time, and all the others are still found."""
    model = Model({Version.TLS_1_2: (0xC02B,)}, groups=curves, certificate_group=curves[0])
    facts = walk(
        survey_curves(Offer(Version.TLS_1_2, (0xC02B,)), curves[0], ControlProbe(None)), model.answer
    )
    assert set(facts.groups) == set(curves)
    assert facts.complete.is_yes or len(curves) == 1


@PATIENT
@given(curves=curve_sets, own_order=st.booleans())
def test_curves_are_all_found_when_the_server_does_not_mind_its_certificate(
    *, curves: tuple[int, ...], own_order: bool
) -> None:
    """Servers that take a curve although the certificate's own is not offered hide none of theirs."""
    model = Model({Version.TLS_1_2: (0xC02B,)}, groups=curves, own_order=own_order)
    facts = walk(
        survey_curves(Offer(Version.TLS_1_2, (0xC02B,)), curves[0], ControlProbe(None)), model.answer
    )
    assert set(facts.groups) == set(curves)
    assert facts.complete.is_yes or len(curves) == 1
    assert len(model.asked) <= len(curves) + 4


@PATIENT
@given(curve_sets)
def test_a_server_that_prefers_its_certificates_curve_is_not_called_poor(curves: tuple[int, ...]) -> None:
    """What it hides behind its preference is unknown, not absent."""
    model = Model({Version.TLS_1_2: (0xC02B,)}, groups=curves, own_order=True, certificate_group=curves[0])
    facts = walk(
        survey_curves(Offer(Version.TLS_1_2, (0xC02B,)), curves[0], ControlProbe(None)), model.answer
    )
    assert facts.groups == (curves[0],)
    assert facts.complete.is_unknown


@PATIENT
@given(curves=curve_sets, own_order=st.booleans())
def test_curves_are_found_without_any_trap_with_an_rsa_certificate(
    *, curves: tuple[int, ...], own_order: bool
) -> None:
    """No curve has to be kept, so that all are struck out in their turn."""
    model = Model({Version.TLS_1_2: (0xC02F,)}, groups=curves, own_order=own_order)
    facts = walk(survey_curves(Offer(Version.TLS_1_2, (0xC02F,)), None, ControlProbe(None)), model.answer)
    assert (set(facts.groups), facts.complete.is_yes) == (set(curves), True)


@pytest.mark.parametrize("version", [Version.TLS_1_2, Version.TLS_1_1, Version.SSL_3])
def test_a_lower_answer_and_an_alert_both_say_no(version: Version) -> None:
    """A server that chooses an older version does not speak the one that was offered."""
    old = Model({Version.TLS_1_0: suites_legacy()[:3]})
    survey = walk(survey_legacy(version, ControlProbe(wide_query(Version.TLS_1_0))), old.answer)
    assert survey.facts.offered.is_no
    assert survey.facts.offered.reason


def test_a_server_that_breaks_over_long_lists_is_asked_in_short_ones() -> None:
    """All lists together still find all suites."""
    suites = (suites_by_use()[0], suites_by_use()[SHORT_LIST + 1], suites_by_use()[-1])
    model = Model({Version.TLS_1_2: suites}, longest=SHORT_LIST)
    control = ControlProbe(short_query(Version.TLS_1_2))
    survey = walk(survey_legacy(Version.TLS_1_2, control), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert survey.facts.complete.is_yes


INTOLERANT: dict[str, dict[str, Any]] = {
    "takes 63 suites at most": {"longest": 63},
    "reads 64 suites": {"reads": 64},
    "reads 20 suites": {"reads": 20},
    "takes 15 groups at most": {"most_groups": 15},
    "takes no extension": {"takes_extensions": False},
}


@pytest.mark.parametrize("what", INTOLERANT)
@pytest.mark.parametrize("own_order", [True, False])
def test_intolerance_is_no_refusal(what: str, *, own_order: bool) -> None:
    """A server that cannot read our hellos is asked in a shape that it can, and all its suites are found."""
    suites = (0xC02F, 0x009C, *suites_by_use()[SHORT_LIST + 9 :: 60], suites_by_use()[-1])
    model = Model({Version.TLS_1_2: suites}, own_order=own_order, **INTOLERANT[what])
    control = ControlProbe(bare_query(Version.TLS_1_2))
    survey = walk(survey_legacy(Version.TLS_1_2, control), model.answer)
    assert {choice.code for choice in survey.facts.choices} == set(suites)
    assert survey.facts.complete.is_yes


@pytest.mark.parametrize("own_order", [True, False])
@pytest.mark.parametrize("certificate_group", [None, 25])
def test_groups_are_found_where_few_are_taken_in_one_hello(
    certificate_group: int | None, *, own_order: bool
) -> None:
    """Neither those of TLS 1.2 nor those of TLS 1.3 are lost on a server that refuses long lists of them."""
    groups = (29, 25, 24, 22, 12, 1)
    model = Model(
        {Version.TLS_1_2: (0xC02F,)},
        groups,
        own_order=False,
        certificate_group=certificate_group,
        most_groups=15,
    )
    control = ControlProbe(lean_query(Version.TLS_1_2))
    facts = walk(survey_curves(Offer(Version.TLS_1_2, (0xC02F,)), certificate_group, control), model.answer)
    assert (set(facts.groups), facts.complete.is_yes) == (set(groups), True)
    modern = Model(
        {Version.TLS_1_3: (0x1301, 0x1303)}, (29, 24, 4588, 258, 41), own_order=own_order, most_groups=15
    )
    survey = walk(survey_modern(ControlProbe(handshake_queries()[2])), modern.answer)
    assert set(survey.groups.groups) == {29, 24, 4588, 258, 41}
    assert (survey.groups.complete.is_yes, survey.facts.complete.is_yes) == (True, True)


@pytest.mark.parametrize("how", [NoAnswer(), Closed(), Reset(), HANDSHAKE_FAILURE])
@pytest.mark.parametrize("longest", [64, 16])
def test_an_old_server_that_takes_no_long_hello_is_still_found(how: Response, longest: int) -> None:
    """One that falls silent, ends, resets or refuses over a long list."""
    model = Model({Version.TLS_1_0: (0x002F,)})

    def answer(query: Query) -> Response:
        model.asked.append(query)
        is_long = isinstance(query, TLSQuery) and len(query.offer.suites) > longest
        return how if is_long else model.answer(query)

    control = ControlProbe(plain_query(Version.TLS_1_0))
    survey = walk(survey_legacy(Version.TLS_1_0, control), answer)
    assert survey.facts.offered.is_yes
    assert [choice.code for choice in survey.facts.choices] == [0x002F]


def test_a_group_that_was_not_offered_is_no_answer() -> None:
    """A server that takes the same curve whatever it is offered leaves a doubt, and no fault."""
    flight = legacy_flight(Version.TLS_1_2, 0xC02F, 23)
    facts = walk(
        survey_curves(Offer(Version.TLS_1_2, (0xC02F,)), None, ControlProbe(None)), lambda _: Accepted(flight)
    )
    assert facts.groups == (23,)
    assert "secp256r1 although it was not offered" in facts.complete.reason


def test_a_server_without_retries_leaves_its_lists_open() -> None:
    """When only hellos with a key are answered, what was seen is said to be the least."""
    model = Model({Version.TLS_1_3: (0x1301, 0x1302)})

    def answer(query: Query) -> Response:
        keys = isinstance(query, TLSQuery) and query.offer.share_groups
        return model.answer(query) if keys else HANDSHAKE_FAILURE

    survey = walk(survey_modern(ControlProbe(None)), answer)
    assert survey.facts.offered.is_yes
    assert (survey.facts.complete.is_unknown, survey.groups.complete.is_unknown) == (True, True)


THROTTLES: tuple[Response, ...] = (
    Reset(), Closed(), NoAnswer(), NotConnected("gone"), HANDSHAKE_FAILURE, PROTOCOL_VERSION,
)  # fmt: skip


@PATIENT
@given(legacy_sets, st.integers(0, 60), st.sampled_from(THROTTLES))
def test_a_throttle_makes_things_unknown_and_never_absent(
    suites: tuple[int, ...], patience: int, silence: Response
) -> None:
    """From whatever connection on the server falls silent, no suite and no version is denied."""
    model = Model({Version.TLS_1_2: suites})

    def answer(query: Query) -> Response:
        return silence if len(model.asked) >= patience else model.answer(query)

    survey = walk(survey_legacy(Version.TLS_1_2, ControlProbe(wide_query(Version.TLS_1_2))), answer)
    found = {choice.code for choice in survey.facts.choices}
    assert found <= set(suites)
    assert not survey.facts.offered.is_no
    assert survey.facts.offered.is_unknown or survey.facts.complete.is_unknown or found == set(suites)


HELLO: Response = Accepted(legacy_flight(Version.TLS_1_2, 1, 29))
ALERTED = HANDSHAKE_FAILURE
INTERNAL = AlertReceived(Alert(2, 80))
CONFIRMED: dict[str, tuple[list[Response], type]] = {
    "accepted": ([HELLO], Accepted),
    "an alert, each time": ([ALERTED, ALERTED, HELLO, ALERTED], Refused),
    "an alert, to the control hello too": ([ALERTED] * (2 + CONTROLS), Inconclusive),
    "an alert, and no time for the control hello": ([ALERTED, ALERTED, NotSent("late")], Inconclusive),
    "an alert, at first to the control too": ([ALERTED, ALERTED, ALERTED, HELLO, ALERTED], Inconclusive),
    "a reset, and then an alert to all": ([Reset(), *[PROTOCOL_VERSION] * (1 + CONTROLS)], Inconclusive),
    "a reset, each time": ([Reset(), Reset(), HELLO, Reset()], Refused),
    "an end, each time": ([Closed(), Closed(), HELLO, Closed()], Refused),
    "no TLS, each time": ([ProtocolViolation("x"), ProtocolViolation("y"), HELLO, Closed()], Refused),
    "an alert about the server's own state, each time": ([INTERNAL, INTERNAL, HELLO, INTERNAL], Refused),
    "a reset once": ([Reset(), HELLO], Accepted),
    "a reset twice": ([Reset(), Reset(), HELLO, HELLO], Accepted),
    "a reset and then alerts": ([Reset(), ALERTED, HELLO, ALERTED], Refused),
    "something else each time": ([Reset(), Closed(), HELLO, ALERTED], Inconclusive),
    "silence": ([NoAnswer(), NoAnswer()], Inconclusive),
    "no connection": ([NotConnected("x"), NotConnected("x"), HELLO, NotConnected("x")], Inconclusive),
    "no time": ([NotSent("late")], Inconclusive),
}  # fmt: skip


@pytest.mark.parametrize("what", CONFIRMED)
def test_a_response_counts_only_when_it_can_be_told_from_noise(what: str) -> None:
    """Each way that a query can go ends as it should, after so many connections and no more."""
    responses, wanted = CONFIRMED[what]
    left = iter(responses)
    outcome = walk(confirm(wide_query(Version.TLS_1_0), ControlProbe(CONTROL)), lambda _: next(left))
    assert type(outcome) is wanted
    assert list(left) == []


def checked(probe: Probe[Outcome], control: ControlProbe) -> Probe[Outcome]:
    """Run a probe, and see at its end that the server still answers, as a round of a survey ends."""
    result = yield from probe
    yield from check(control, control.last_refusal)
    return result


def test_after_the_control_hello_fails_nothing_is_asked_any_more() -> None:
    """A server that refuses everything is left alone, and every further doubt has the reason."""
    control = ControlProbe(CONTROL)
    walk(confirm(wide_query(Version.TLS_1_0), control), lambda _: Reset())
    probe = confirm(wide_query(Version.TLS_1_1), control)
    with pytest.raises(StopIteration) as ended:
        next(probe)
    assert isinstance(ended.value.value, Inconclusive)
    assert "no longer answers" in ended.value.value.reason


def test_a_refusal_is_withdrawn_when_its_kind_turns_out_to_be_noise() -> None:
    """An alert that is later followed by success on the same hello takes back what rested on such alerts."""
    control = ControlProbe(CONTROL)
    old = wide_query(Version.TLS_1_0)

    def believed(responses: list[Response]) -> Outcome:
        left = iter(responses)
        return walk(checked(confirm(old, control), control), lambda _: next(left))

    assert isinstance(believed([ALERTED, ALERTED, HELLO, ALERTED, HELLO]), Refused)
    assert not control.withdraw()
    assert isinstance(believed([]), Refused)  # nothing is asked twice
    once = iter([ALERTED, HELLO])
    assert isinstance(walk(confirm(wide_query(Version.TLS_1_1), control), lambda _: next(once)), Accepted)
    assert control.withdraw()
    assert isinstance(believed([ALERTED, ALERTED, HELLO, ALERTED]), Inconclusive)


def test_a_refusal_without_a_success_behind_it_is_withdrawn() -> None:
    """A throttle that begins in the middle of a query cannot make a no."""
    control = ControlProbe(CONTROL)
    left = iter([Closed(), Closed(), HELLO, *[Closed()] * (1 + CONTROLS)])
    probe = checked(confirm(wide_query(Version.TLS_1_0), control), control)
    assert isinstance(walk(probe, lambda _: next(left)), Refused)
    assert control.withdraw()
    assert isinstance(walk(confirm(wide_query(Version.TLS_1_0), control), lambda _: next(left)), Inconclusive)


def test_contact_goes_down_until_something_is_answered() -> None:
    """The first answered query becomes the control, and all answers are kept for the probes."""
    model = Model({Version.TLS_1_1: suites_legacy()})
    contact = walk(first_contact(), model.answer)
    assert contact.control == wide_query(Version.TLS_1_2)  # answered with TLS 1.1
    assert set(contact.answers) == {handshake_query(), wide_query(Version.TLS_1_2)}


def test_contact_ends_at_once_where_there_is_no_way() -> None:
    """No second hello goes to a port that refuses connections."""
    asked: list[Query] = []
    nobody = ConnectRefused("nothing listens on [::1]:443")

    def refuse(query: Query) -> Response:
        asked.append(query)
        return NotConnected(nobody.message, nobody)

    contact = walk(first_contact(), refuse)
    assert (contact.control, contact.silence, len(asked)) == (None, "nothing listens on [::1]:443", 1)
    assert contact.unreached is nobody


@pytest.mark.parametrize("said", [NoAnswer(), ProtocolViolation("the port speaks SMTP", "STARTTLS")])
def test_contact_gives_up_on_silence_and_on_strangers(said: Response) -> None:
    """Three hellos, long and short, are enough for a port that does not speak TLS at all."""
    contact = walk(first_contact(), lambda _: said)
    assert contact.control is None
    assert list(contact.answers) == [
        handshake_query(), wide_query(Version.TLS_1_2), short_query(Version.TLS_1_2),
    ]  # fmt: skip
    assert ("STARTTLS" in contact.advice) == isinstance(said, ProtocolViolation)


ALPN: dict[str, tuple[str | None, Response, tuple[str, str]]] = {
    "both": ("h2", Accepted(Flight(Stage.COMPLETE, alpn="http/1.1")), ("yes", "yes")),
    "h2 alone": ("h2", AlertReceived(Alert(2, 120)), ("yes", "no")),
    "http/1.1, and h2 in vain": ("http/1.1", Accepted(Flight(Stage.COMPLETE)), ("no", "yes")),
    "none at all": (None, NoAnswer(), ("no", "no")),
    "silence": ("h2", NoAnswer(), ("yes", "unknown")),
    "half a flight": ("h2", Accepted(Flight(Stage.OPEN)), ("yes", "unknown")),
}


@pytest.mark.parametrize("what", ALPN)
def test_application_protocols_are_taken_refused_or_unknown(what: str) -> None:
    """Each is offered alone, unless the first handshake has told."""
    chosen, answer, wanted = ALPN[what]
    full = Flight(Stage.COMPLETE, alpn=chosen)
    found = walk(survey_alpn(handshake_query().offer, full, ControlProbe(None)), lambda _: answer)
    assert tuple(one.taken.standing.value for one in found) == wanted
    assert [one.name for one in found] == ["h2", "http/1.1"]


def test_without_a_first_handshake_both_protocols_are_asked_for() -> None:
    """Nothing is taken from a flight that did not come to its end."""
    asked: list[Query] = []

    def answer(query: Query) -> Response:
        asked.append(query)
        return AlertReceived(Alert(2, 120))

    found = walk(survey_alpn(handshake_query().offer, Flight(), ControlProbe(None)), answer)
    assert [query.offer.alpn for query in asked if isinstance(query, TLSQuery)] == [
        ("h2",),
        ("http/1.1",),
    ]
    assert all(one.taken.is_no for one in found)


def test_a_name_that_the_server_does_not_know_has_its_own_advice() -> None:
    """unrecognized_name speaks of the name, not of the versions."""
    said: list[Response] = [AlertReceived(Alert(2, 112)), Closed(), *[PROTOCOL_VERSION] * 40]
    answers = iter(said)
    contact = walk(first_contact(), lambda _: next(answers))
    assert "--servername" in contact.advice
    assert contact.silence.startswith("alert unrecognized_name to TLS 1.3; connection closed")


def test_ssl_2_is_yes_no_or_unknown() -> None:
    """A SERVER-HELLO, a refusal that comes again, and silence."""
    offered = [
        walk(survey_ssl2(ControlProbe(CONTROL)), answer).offered
        for answer in (
            lambda _: AcceptedSSL2((0x010080,)),
            lambda query: Closed() if isinstance(query, SSL2Query) else HELLO,
            lambda _: NoAnswer(),
        )
    ]
    assert [(v.is_yes, v.is_no, v.is_unknown) for v in offered] == [
        (True, False, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
