"""What is read from a CA's reply: when to ask again, links, fields, problems."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_ca import ERROR
from pki import NOW
from port443.core.acme.directory import read_directory
from port443.core.acme.errors import AcmeError, CAReplyInvalid, Verdict
from port443.core.acme.flow import Replied, refusal
from port443.core.acme.problems import ROWS, Circumstances, clean, error_for, read_problem
from port443.core.acme.reply import LONGEST_PAUSE_S, Moment, Reply, http_date
from port443.core.acme.urls import host_of, origin

MOMENT = Moment(NOW, 1000.0)
URL = "https://ca.test/order/1"


@pytest.mark.parametrize(
    ("retry_after", "date", "seconds"),
    [
        ("0", None, 0.0),
        (" 17 ", None, 17.0),
        ("99999999", None, LONGEST_PAUSE_S),
        ("Sun, 01 Mar 2026 12:00:05 GMT", None, 5.0),
        ("Sun, 01 Mar 2026 14:00:05 +0200", None, 5.0),
        ("Sun, 01 Mar 2026 07:00:05 EST", None, 5.0),
        ("Sunday, 01-Mar-26 12:00:05 GMT", None, 5.0),
        ("Sun Mar  1 12:00:05 2026", None, 5.0),
        ("2026-03-01T13:00:05+01:00", None, 5.0),
        ("2026-03-01T12:00:05Z", None, 5.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", None, 0.0),
        ("Tue, 01 Mar 2050 12:00:00 GMT", None, LONGEST_PAUSE_S),
        # The CA's clock is a day ahead of ours: its own Date says what is meant.
        ("Mon, 02 Mar 2026 12:00:05 GMT", "Mon, 02 Mar 2026 12:00:00 GMT", 5.0),
        ("Sat, 28 Feb 2026 12:00:05 GMT", "Sat, 28 Feb 2026 12:00:00 GMT", 5.0),
        ("soon", None, None),
        ("", None, None),
        ("-5", None, None),
        ("1.5", None, None),
        ("9" * 30, None, None),
        ("Sun, 99 Mar 2026 12:00:05 GMT", None, None),
        (None, None, None),
    ],
)
def test_retry_after_is_a_pause_whatever_its_form(
    retry_after: str | None, date: str | None, seconds: float | None
) -> None:
    reply = Reply(URL, 200, retry_after=retry_after, date=date)
    assert reply.pause_s(MOMENT) == seconds
    assert reply.retry_at(MOMENT) == (None if seconds is None else NOW + timedelta(seconds=seconds))


@given(st.text(max_size=60))
def test_no_text_is_too_odd_for_a_date(text: str) -> None:
    found = http_date(text)
    assert found is None or found.tzinfo is UTC
    pause = Reply(URL, 200, retry_after=text).pause_s(MOMENT)
    assert pause is None or 0.0 <= pause <= LONGEST_PAUSE_S


@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_date_means_the_same_in_every_zone(moment: datetime, minutes: int) -> None:
    there = moment.replace(microsecond=0, tzinfo=UTC) + timedelta(minutes=minutes)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{there:%a, %d %b %Y %H:%M:%S} {sign}{hours:02}{rest:02}"
    assert http_date(text) == moment.replace(microsecond=0, tzinfo=UTC)


def test_links_are_found_by_their_relation() -> None:
    links = (
        '<https://ca.test/1>;rel="alternate", <https://ca.test/dir>; rel="index"',
        "<https://ca.test/2>; rel=Alternate",
    )
    assert list(Reply(URL, 200, links=links).linked("alternate")) == [
        "https://ca.test/1",
        "https://ca.test/2",
    ]
    many = tuple(f'<https://ca.test/{number}>;rel="alternate"' for number in range(100))
    assert len(list(Reply(URL, 200, links=many).linked("alternate"))) == 16
    assert list(Reply(URL, 200, links=("<" * 10_000,)).linked("alternate")) == []


def documents(*keys: str) -> st.SearchStrategy[object]:
    """Make JSON values of any shape with these keys."""
    plain = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
    inner = st.sampled_from(keys)
    return st.recursive(
        plain, lambda one: st.lists(one, max_size=4) | st.dictionaries(inner, one), max_leaves=10
    )


@given(documents("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange", "meta", "profiles"))
def test_a_directory_is_one_or_refused(value: object) -> None:
    with pytest.raises(CAReplyInvalid):
        read_directory(Reply(URL, 200, body=json.dumps(value).encode()))


@given(st.text(max_size=100))
def test_an_origin_is_that_of_a_url_that_browsers_would_read_alike(path: str) -> None:
    """Nothing that could end the host early, or begin another one, is taken."""
    for url in (f"https://ca.test{path}", f"https://{path}.test/"):
        found = origin(url)
        assert found is None or (
            found[0].replace(".", "").replace("-", "").replace("_", "").isalnum()
            and "@" not in url[8:].split("/")[0]
        )


def test_the_default_port_goes_without_saying() -> None:
    assert origin("https://CA.test:443/a") == origin("https://ca.test/b") == ("ca.test", 443)
    assert [host_of("https://ca.test:443/a"), host_of("https://ca.test:444/a")] == ["ca.test", "ca.test:444"]
    assert [origin(f"https://ca.test:{port}/") for port in (0, 65536, 99999)] == [None] * 3


# --- problems ---

AT = Circumstances("ca.test", "an order")


@pytest.mark.parametrize("kind", ROWS)
def test_every_type_of_problem_has_a_sentence_and_a_next_step(kind: str) -> None:
    document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "the CA's words"}
    error = error_for(read_problem(document, 400), AT)
    assert error.message.startswith("ca.test refused an order: ")
    assert error.message.endswith(": the CA's words")
    assert error.hint
    assert error.code != "P443-E200"
    assert error.problem is not None
    assert error.problem.type == kind


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("dns", Verdict.OURS),
        ("caa", Verdict.OURS),
        ("connection", Verdict.OURS),
        ("rejectedIdentifier", Verdict.OURS),
        ("rateLimited", Verdict.LIMITED),
        ("serverInternal", Verdict.UNAVAILABLE),
        ("badNonce", Verdict.UNAVAILABLE),
        ("externalAccountRequired", Verdict.REFUSED),
        ("unsupportedIdentifier", Verdict.REFUSED),
        ("unknown", Verdict.REFUSED),
    ],
)
def test_what_is_ours_is_known_from_what_is_the_cas(kind: str, verdict: Verdict) -> None:
    assert error_for(read_problem({"type": f"urn:ietf:params:acme:error:{kind}"}, 400), AT).verdict is verdict


@pytest.mark.parametrize(
    ("status", "verdict"), [(429, Verdict.LIMITED), (503, Verdict.UNAVAILABLE), (418, Verdict.REFUSED)]
)
def test_a_refusal_without_a_document_is_judged_by_its_status(status: int, verdict: Verdict) -> None:
    error = refusal(Replied(Reply(URL, status, body=b"<html>no</html>"), MOMENT), "an order")
    assert error.verdict is verdict
    assert f"status {status}" in error.message
    assert "<html>" not in error.message


def test_sub_problems_are_kept_whole_and_the_first_are_said() -> None:
    """Of one kind in all parts, that kind decides what is said."""
    parts = [
        {
            "type": "urn:ietf:params:acme:error:caa",
            "detail": f"CAA of {name} forbids",
            "identifier": {"type": "dns", "value": name},
        }
        for name in "abcde"
    ]
    document = {"type": f"{ERROR}compound", "detail": "Errors", "subproblems": parts}
    error = error_for(read_problem(document, 403), AT)
    assert error.code == "P443-E246"
    assert "a: CAA of a forbids; b: CAA of b forbids; c: CAA of c forbids; and 2 more" in error.message
    assert error.names == tuple("abcde")
    facts = error.facts()["problem"]
    assert isinstance(facts, dict)
    assert len(facts["subproblems"]) == 5


def test_the_cas_words_cannot_speak_to_the_terminal() -> None:
    document = {"type": "x", "detail": "a\x1b[31mred\r\nForged: line\u202e" + "y" * 10_000}
    error = error_for(read_problem(document, 400), AT)
    assert error.message.isprintable()
    assert len(error.message) < 600
    assert clean(5) == clean(None) == ""


@given(
    documents("type", "detail", "subproblems", "identifier", "value", "instance", "title"),
    st.integers(100, 599),
)
def test_every_problem_is_an_error(value: object, status: int) -> None:
    error = error_for(read_problem(value, status), AT)
    assert isinstance(error, AcmeError)
    assert json.dumps(error.facts())
    assert error.message.isprintable()
