"""Heads of HTTP responses: interim ones skipped, and all bounded."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.core.names import HostName
from port443.core.probe.http import MAX_FIELDS, MAX_HEAD, MAX_INTERIM, AnswerReader, HTTPAnswer, HTTPRequest
from port443.core.wire.reading import Malformed

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nStrict-Transport-Security: max-age=1\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FINAL = b"HTTP/1.1 301 Moved\r\nLocation: https://a.test/\r\nX: 1\r\nX: 2\r\n\r\n"
BEFORE = (b"", HINTS, CONTINUE, CONTINUE + HINTS + HINTS, CONTINUE * MAX_INTERIM)


def read(octets: bytes, cuts: tuple[int, ...] = ()) -> HTTPAnswer | None:
    """Feed the octets in the pieces that the cuts make."""
    reader = AnswerReader()
    places = (0, *sorted(cut % (len(octets) + 1) for cut in cuts), len(octets))
    for begin, end in pairwise(places):
        if (answer := reader.receive(octets[begin:end])) is not None:
            return answer
    return None


@given(before=st.sampled_from(BEFORE), cuts=st.tuples(*[st.integers(0, 2000)] * 3))
def test_the_final_answer_counts_whatever_comes_before_it(before: bytes, cuts: tuple[int, ...]) -> None:
    """Interim answers are skipped with their fields, however the bytes are cut (RFC 9110 §15.2)."""
    answer = read(before + FINAL + b"body\r\n\r\n", cuts)
    assert answer is not None
    assert answer.status == 301
    assert answer.field("location") == "https://a.test/"
    assert answer.values("x") == ("1", "2")
    assert answer.field("strict-transport-security") is None


SECURE = HTTPRequest(HostName("a.test"), 8443, is_tls=True)
FOLLOWED = {
    "/login?to=%2F#top": "/login?to=%2F",
    "https://A.test:8443/x": "/x",
    "https://u:p@a.test:8443": None,  # the same page again
    "https://a.test:8443?q": "/?q",
    "https://a.test/x": None,
    "https://b.test:8443/x": None,
    "http://a.test:8443/x": None,
    "//b.test/x": None,
    "x": None,
    "/": None,
    "": None,
    "/a b": None,
    "/a\\b": None,
    "/\u00e9": None,
    "/" + "x" * 2000: None,
}


@pytest.mark.parametrize("location", FOLLOWED)
def test_a_redirect_is_followed_on_the_same_host_only(location: str) -> None:
    """Scheme, host and port stay; the path has to be one that a request line can hold."""
    for status in (301, 302, 303, 307, 308, 200, 304):
        following = SECURE.follow(HTTPAnswer(status, (("location", location),)))
        wanted = FOLLOWED[location] if status not in {200, 304} else None
        assert (None if following is None else following.path) == wanted
        if following is not None:
            assert following.encode().startswith(f"GET {wanted} HTTP/1.1\r\nHost: a.test:8443\r\n".encode())


REFUSED = {
    "one too many": (CONTINUE * (MAX_INTERIM + 1) + FINAL, "interim answers"),
    "interim answers without end": (
        (b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * (MAX_HEAD // 4) + b"\r\n\r\n") * 5, "within",
    ),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + FINAL, r"\(101\)"),
    "an endless head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD, "within"),
    "many fields": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (MAX_FIELDS + 1) + b"\r\n", "201 header fields"),
    "no HTTP": (b"SSH-2.0-server\r\n\r\n", "no HTTP/1: SSH-2.0-server"),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", "no HTTP/1"),
    "no HTTP after an interim answer": (CONTINUE + b"x\r\n\r\n", "no HTTP/1"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_final_answer_is_refused(what: str) -> None:
    """Too many, too long, another protocol: each has its cause."""
    octets, words = REFUSED[what]
    with pytest.raises(Malformed, match=words):
        read(octets)


def test_half_an_answer_is_none_yet() -> None:
    """An interim answer alone, or a head without its end, waits for more."""
    assert read(HINTS) is None
    assert read(HINTS + FINAL[:-1]) is None


def test_heads_are_read_as_browsers_read_them() -> None:
    """Bare LF, folded fields, spaces before the colon and lines that are no field hide nothing."""
    answer = read(b"HTTP/1.0 200\nStrict-Transport-Security : max-age=1;\n includeSubDomains\nnothing\n\n")
    assert answer == HTTPAnswer(200, (("strict-transport-security", "max-age=1; includeSubDomains"),))
