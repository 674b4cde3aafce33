"""What a client gets that breaks the protocol: the alert that the RFC names, and our event (RFC 8446 §6)."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from port443.core.probe.hellos import Hello
from port443.core.wire.messages import MessageType
from port443.core.wire.records import ContentType
from port443.core.wire.versions import Version
from raw_tls import (
    CHANGE,
    CLOSE_NOTIFY,
    KEY_UPDATE,
    Heard,
    RawClient,
    RawClient12,
    RawClient13,
    handshake,
    hello,
    record,
    with_extension,
)
from tls_certs import Wish, ec_key, intermediate, issue

A_TEST = SiteWish(("a.test",), (issue(Wish(("a.test",)), ec_key(), intermediate()),))
ALERT, HANDSHAKE, DATA = ContentType.ALERT, ContentType.HANDSHAKE, ContentType.APPLICATION_DATA
NUMBERS = {
    "close_notify": 0, "unexpected_message": 10, "bad_record_mac": 20, "record_overflow": 22,
    "handshake_failure": 40, "illegal_parameter": 47, "decode_error": 50, "decrypt_error": 51,
    "protocol_version": 70, "inappropriate_fallback": 86, "missing_extension": 109,
}  # fmt: skip


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    """One edge for all."""
    with running_edge() as started:
        yield started


@pytest.fixture(scope="module")
def port(edge: RunningEdge) -> int:
    listener = edge.listen()
    edge.apply(Scene((A_TEST,), (listener,)))
    return int(listener.address.rpartition(":")[2])


def first(content: bytes) -> Callable[[RawClient], None]:
    return lambda client: client.send(content)


def changed(kind: int, body: bytes | None) -> Callable[[RawClient], None]:
    """A hello of TLS 1.3 with an extension changed."""
    return first(handshake(with_extension(hello(), kind, body).hello.message()))


def fallen_back() -> bytes:
    made = hello(Version.TLS_1_2)
    return handshake(replace(made.hello, suites=(*made.hello.suites, 0x5600)).message())


def of_ssl_3() -> bytes:
    made = hello()
    return handshake(replace(made.hello, version=0x0300).message())


def of_ssl_3_alone() -> bytes:
    """As scanners send it: without extensions, so without a name and a list of versions."""
    made = hello(Version.TLS_1_2)
    return handshake(replace(made.hello, version=0x0300, extensions=()).message())


def offering_session(modes: bytes | None, binders: int) -> bytes:
    """A hello that offers a session, with how to use it and as many binders."""
    bound = (b"\x20" + bytes(32)) * binders
    offer = b"\x00\x07\x00\x01x" + bytes(4) + len(bound).to_bytes(2) + bound
    return handshake(with_extension(with_extension(hello(), 45, modes), 41, offer).hello.message())


HELLO = hello().hello.message()
BEFORE: dict[str, tuple[Callable[[RawClient], None], str, str, str]] = {
    "a hello record of 2^14 + 1 bytes": (first(handshake(HELLO + bytes(2**14 + 1 - len(HELLO)))),
        "record_overflow", "hello_malformed", "16,384"),
    "a record of no bytes": (first(handshake(b"")), "unexpected_message", "hello_malformed", "empty"),
    "another message": (first(handshake(b"\x02" + HELLO[1:])),
        "unexpected_message", "hello_malformed", "not a ClientHello"),
    "a change_cipher_spec": (first(CHANGE), "unexpected_message", "hello_malformed", "change_cipher_spec"),
    "application data": (first(record(DATA, b"data")),
        "unexpected_message", "hello_malformed", "application data"),
    "a record of type 24": (first(record(24, b"ab")),
        "unexpected_message", "hello_malformed", "unknown type"),
    "a record of type 0": (first(record(0, b"ab")), "unexpected_message", "hello_malformed", "unknown type"),
    "a record of type 200": (first(record(200, b"ab")),
        "unexpected_message", "hello_malformed", "unknown type"),
    "a change_cipher_spec in a hello": (first(handshake(HELLO[:9]) + CHANGE + handshake(HELLO[9:])),
        "unexpected_message", "hello_malformed", "another record"),
    "no key_share": (changed(51, None), "missing_extension", "hello_malformed", "key_share"),
    "no supported_groups": (changed(10, None), "missing_extension", "hello_malformed", "supported_groups"),
    "no signature_algorithms": (changed(13, None),
        "missing_extension", "hello_malformed", "signature_algorithms"),
    "SSL 3.0": (first(of_ssl_3()), "protocol_version", "hello_malformed", "SSL 3.0"),
    "SSL 3.0 alone": (first(of_ssl_3_alone()), "protocol_version", "no_shared_version", "SSL 3.0"),
    "a renegotiation": (changed(0xFF01, b"\x0c" + bytes(12)),
        "handshake_failure", "hello_malformed", "renegotiation_info"),
    "a renegotiation of a wrong length": (changed(0xFF01, b"\x09abcd"),
        "decode_error", "hello_malformed", "renegotiation_info"),
    "more binders than sessions": (first(offering_session(b"\x01\x01", 2)),
        "illegal_parameter", "hello_malformed", "binders"),
    "a fallback to TLS 1.2": (first(fallen_back()),
        "inappropriate_fallback", "no_shared_version", "fell back"),
    "NUL in the name": (changed(0, b"\x00\x09\x00\x00\x06a\x00test"),
        "illegal_parameter", "hello_malformed", "NUL"),
    "two messages in a record": (first(handshake(HELLO + HELLO)),
        "unexpected_message", "hello_malformed", ""),
    "a session without its modes": (first(offering_session(None, 1)),
        "missing_extension", "hello_malformed", "psk_key_exchange_modes"),
    "close_notify": (first(CLOSE_NOTIFY), "close_notify", "client_closed", "close_notify"),
    "close_notify in a hello": (first(handshake(HELLO[:9]) + CLOSE_NOTIFY),
        "close_notify", "client_closed", "close_notify"),
}  # fmt: skip


@pytest.mark.parametrize("case", BEFORE)
def test_what_is_wrong_with_a_hello_is_answered_and_named(edge: RunningEdge, port: int, case: str) -> None:
    """Before any key the client gets the RFC's alert, and the event names it with the fault."""
    act, alert, reason, detail = BEFORE[case]
    since = edge.last_event()
    with contextlib.closing(RawClient(port)) as client:
        act(client)
        heard = client.end()
    assert heard == Heard(1 if alert == "close_notify" else 2, NUMBERS[alert])
    event = edge.wait_event("handshake_failed", since)
    assert (event["reason"], event["alert"]) == (reason, alert)
    assert detail in event["detail"]


def sealed(kind: int, content: bytes) -> Callable[[RawClient13], None]:
    return lambda client: client.send(client.seal(kind, content))


def split(*between: tuple[int, bytes]) -> Callable[[RawClient13], None]:
    """The beginning of a Finished, and what does not belong behind it."""

    def act(client: RawClient13) -> None:
        client.send(client.seal(HANDSHAKE, client.finished()[:9]))
        client.send(*(client.seal(*one) for one in between) if between else (CHANGE,))

    return act


def wrong_finished(client: RawClient13 | RawClient12) -> None:
    right = client.finished()
    client.send(client.seal(HANDSHAKE, right[:-1] + bytes((right[-1] ^ 1,))))


def more_than_finished(client: RawClient13) -> None:
    client.send(client.seal(HANDSHAKE, client.finished() + KEY_UPDATE))


VIOLATION = "protocol_violation"
DURING: dict[str, tuple[Callable[[RawClient13], None], str, str, str]] = {
    "a message in clear": (lambda client: client.send(handshake(client.finished())),
        "unexpected_message", VIOLATION, "unencrypted"),
    "a record in clear of 2^14 + 1 bytes": (lambda client: client.send(handshake(bytes(2**14 + 1))),
        "record_overflow", VIOLATION, "16,384"),
    "a record of 2^14 + 257 bytes": (lambda client: client.send(record(DATA, bytes(2**14 + 257))),
        "record_overflow", VIOLATION, "16,640"),
    "2^14 + 1 bytes in a record": (sealed(DATA, bytes(2**14 + 1)), "record_overflow", VIOLATION, ""),
    "a record of an unknown type": (lambda client: client.send(record(99, b"x")),
        "unexpected_message", VIOLATION, "unknown type"),
    "a damaged record": (lambda client: client.send(record(DATA, bytes(40))),
        "bad_record_mac", VIOLATION, "a record cannot be decrypted"),
    "a wrong Finished": (wrong_finished, "decrypt_error", VIOLATION, "Finished is wrong"),
    "more than a Finished": (more_than_finished, "unexpected_message", VIOLATION, ""),
    "data": (sealed(DATA, b"x"), "unexpected_message", VIOLATION, ""),
    "a key update": (sealed(HANDSHAKE, KEY_UPDATE), "unexpected_message", VIOLATION, ""),
    "a hello": (sealed(HANDSHAKE, HELLO), "unexpected_message", VIOLATION, ""),
    "a message of 16 MiB": (sealed(HANDSHAKE, b"\x14\xff\xff\xff"), "decode_error", VIOLATION, ""),
    "no bytes of a message": (sealed(HANDSHAKE, b""), "unexpected_message", VIOLATION, "empty"),
    "no bytes of an alert": (sealed(ALERT, b""), "unexpected_message", VIOLATION, "empty"),
    "half an alert": (sealed(ALERT, b"\x02"), "decode_error", VIOLATION, ""),
    "half an alert in clear": (first(record(ALERT, b"\x02")),
        "unexpected_message", VIOLATION, "an unencrypted alert"),
    "nothing but padding": (sealed(0, bytes(9)), "unexpected_message", VIOLATION, ""),
    "an unknown type inside": (sealed(99, b"x"), "unexpected_message", VIOLATION, "unknown type"),
    "a change_cipher_spec inside": (sealed(20, b"\x01"), "unexpected_message", VIOLATION, ""),
    "another change_cipher_spec": (lambda client: client.send(record(20, b"\x02")),
        "unexpected_message", VIOLATION, "change_cipher_spec"),
    "two in a change_cipher_spec": (lambda client: client.send(record(20, b"\x01\x01")),
        "unexpected_message", VIOLATION, "change_cipher_spec"),
    "change_cipher_spec without end": (lambda client: client.send(CHANGE * 33),
        "unexpected_message", VIOLATION, "too many change_cipher_spec"),
    "a change_cipher_spec in a message": (split(), "unexpected_message", VIOLATION, "middle"),
    "data in a message": (split((DATA, b"x")), "unexpected_message", VIOLATION, ""),
    "an alert in a message": (split((ALERT, b"\x01\x5a")), "unexpected_message", VIOLATION, ""),
    "warnings without end": (lambda client: client.send(*(client.seal(ALERT, b"\x01\x5a") for _ in range(6))),
        "unexpected_message", VIOLATION, ""),
    "close_notify": (sealed(ALERT, b"\x01\x00"), "close_notify", "client_closed", "close_notify"),
    "close_notify in clear": (lambda client: client.send(CLOSE_NOTIFY),
        "close_notify", "client_closed", "close_notify"),
}  # fmt: skip


def judge(edge: RunningEdge, client: RawClient, since: int, due: tuple[str, str, str]) -> None:
    """Compare alert and event with what is due; the time until the handshake's limit does not pass."""
    alert, reason, detail = due
    heard = client.end()
    client.close()  # The edge waits for that, so that the alert arrives.
    event = edge.wait_event("handshake_failed", since)
    assert (event["reason"], event["alert"]) == (reason, alert), event
    assert detail in event["detail"]
    assert heard == Heard(1 if alert == "close_notify" else 2, NUMBERS[alert])


@pytest.mark.parametrize("case", DURING)
def test_what_is_wrong_behind_our_flight_is_answered_encrypted(
    edge: RunningEdge, port: int, case: str
) -> None:
    """In TLS 1.3 the client can read the alert, and the event says which it was."""
    act, *due = DURING[case]
    since = edge.last_event()
    with contextlib.closing(RawClient13(port)) as client:
        client.greet()
        act(client)
        judge(edge, client, since, (due[0], due[1], due[2]))


def again(change: Callable[[RawClient13, Hello], bytes]) -> Callable[[RawClient13], None]:
    def act(client: RawClient13) -> None:
        client.send(change(client, client.asked_again()))

    return act


def changed_again(kind: int, body: bytes | None) -> Callable[[RawClient13], None]:
    return again(lambda _, made: handshake(with_extension(made, kind, body).hello.message()))


def interrupted(_: RawClient13, made: Hello) -> bytes:
    message = made.hello.message()
    return handshake(message[:9]) + CHANGE + handshake(message[9:])


OTHER_NAME = b"\x00\x09\x00\x00\x06b.test"
MALFORMED = "hello_malformed"
AGAIN: dict[str, tuple[Callable[[RawClient13], None], str, str, str]] = {
    "another name": (changed_again(0, OTHER_NAME), "illegal_parameter", MALFORMED, "differs"),
    "other protocols": (changed_again(16, b"\x00\x03\x02h2"), "illegal_parameter", MALFORMED, "differs"),
    "a hello of TLS 1.2": (again(lambda *_: handshake(hello(Version.TLS_1_2).hello.message())),
        "illegal_parameter", MALFORMED, "differs"),
    "no share": (changed_again(51, None), "missing_extension", MALFORMED, "key_share"),
    "an empty share": (changed_again(51, b"\x00\x00"), "illegal_parameter", MALFORMED, ""),
    "early data": (changed_again(42, b""), "illegal_parameter", MALFORMED, ""),
    "data": (again(lambda *_: record(DATA, b"x")), "unexpected_message", MALFORMED, ""),
    "a change_cipher_spec in it": (again(interrupted), "unexpected_message", VIOLATION, "middle"),
    "a record of 2^14 + 1 bytes": (again(lambda *_: handshake(bytes(2**14 + 1))),
        "record_overflow", VIOLATION, "16,384"),
    "another message": (again(lambda *_: handshake(KEY_UPDATE)), "unexpected_message", MALFORMED, ""),
    "close_notify": (again(lambda *_: CLOSE_NOTIFY), "close_notify", "client_closed", "close_notify"),
}  # fmt: skip


@pytest.mark.parametrize("case", AGAIN)
def test_what_is_wrong_with_a_second_hello_is_answered(edge: RunningEdge, port: int, case: str) -> None:
    """A second hello is judged as the first, and must be like it (RFC 8446 §4.1.2)."""
    act, *due = AGAIN[case]
    since = edge.last_event()
    with contextlib.closing(RawClient13(port)) as client:
        act(client)
        judge(edge, client, since, (due[0], due[1], due[2]))


def key(body: bytes) -> Callable[[RawClient12], None]:
    """A ClientKeyExchange with this body."""
    return lambda client: client.send(handshake(b"\x10" + len(body).to_bytes(3) + body))


def exchanged(kind: int, content: bytes) -> Callable[[RawClient12], None]:
    def act(client: RawClient12) -> None:
        client.exchange()
        client.send(client.seal(kind, content))

    return act


def wrong_end(client: RawClient12) -> None:
    client.exchange()
    wrong_finished(client)


def damaged_end(client: RawClient12) -> None:
    client.exchange()
    client.send(handshake(bytes(40)))


LEGACY: dict[str, tuple[Callable[[RawClient12], None], str, str, str]] = {
    "no key": (key(b""), "decode_error", VIOLATION, ""),
    "a truncated key": (key(b"\x20" + bytes(10)), "decode_error", VIOLATION, ""),
    "more than a key": (key(b"\x20" + bytes(33)), "decode_error", VIOLATION, ""),
    "a short key": (key(b"\x1f" + bytes(31)), "illegal_parameter", VIOLATION, ""),
    "a change_cipher_spec too early": (first(CHANGE), "unexpected_message", VIOLATION, ""),
    "a change_cipher_spec in a message": (
        lambda client: client.send(handshake(client.key_exchange()[:9]) + CHANGE),
        "unexpected_message", VIOLATION, "middle"),
    "data": (first(record(DATA, b"x")), "unexpected_message", VIOLATION, ""),
    "a Finished": (first(handshake(b"\x14\x00\x00\x0c" + bytes(12))), "unexpected_message", VIOLATION, ""),
    "a record of 2^14 + 1 bytes": (first(handshake(bytes(2**14 + 1))), "record_overflow", VIOLATION, ""),
    "warnings without end": (first(record(ALERT, b"\x01\x64") * 6), "unexpected_message", VIOLATION, ""),
    "close_notify": (first(CLOSE_NOTIFY), "close_notify", "client_closed", "close_notify"),
    "close_notify encrypted": (exchanged(ALERT, b"\x01\x00"),
        "close_notify", "client_closed", "close_notify"),
    "a wrong Finished": (wrong_end, "decrypt_error", VIOLATION, "Finished is wrong"),
    "a damaged record": (damaged_end, "bad_record_mac", VIOLATION, "a record cannot be decrypted"),
    "no bytes of a message": (exchanged(HANDSHAKE, b""), "unexpected_message", VIOLATION, "empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEGACY)
def test_what_is_wrong_in_tls_1_2_is_answered(edge: RunningEdge, port: int, case: str) -> None:
    """The same in TLS 1.2."""
    act, *due = LEGACY[case]
    since = edge.last_event()
    with contextlib.closing(RawClient12(port)) as client:
        client.greet()
        act(client)
        judge(edge, client, since, (due[0], due[1], due[2]))


def test_what_is_unusual_but_allowed_ends_in_a_handshake(port: int) -> None:
    """A Finished in single bytes, and more change_cipher_spec than anybody sends (RFC 8446 §5)."""
    with contextlib.closing(RawClient13(port)) as client:
        second = client.asked_again()
        client.send(CHANGE, CHANGE)
        client.greet(second)
        client.send(CHANGE, CHANGE, CHANGE)
        pieces = client.finished()
        client.send(*(client.seal(HANDSHAKE, pieces[at : at + 1]) for at in range(len(pieces))))
        assert client.message().kind == MessageType.NEW_SESSION_TICKET


AFTER: dict[str, tuple[Callable[[RawClient13], None], str, str, str]] = {
    "a damaged record": (lambda client: client.send(record(DATA, bytes(40))),
        "bad_record_mac", "record_undecryptable", "a record cannot be decrypted"),
    "a record of 2^14 + 257 bytes": (lambda client: client.send(record(DATA, bytes(2**14 + 257))),
        "record_overflow", "record_malformed", "16,640"),
    "half an alert": (sealed(ALERT, b"\x02"), "decode_error", "record_malformed", ""),
    "a message of 16 MiB": (sealed(HANDSHAKE, b"\x18\xff\xff\xff"), "decode_error", "record_malformed", ""),
    "a Finished": (lambda client: client.send(client.seal(HANDSHAKE, client.finished())),
        "unexpected_message", "message_forbidden", ""),
    "a change_cipher_spec": (first(CHANGE), "unexpected_message", "message_forbidden", ""),
    "a record in clear": (first(handshake(HELLO)), "unexpected_message", "message_forbidden", "unencrypted"),
    "an alert in clear": (first(record(ALERT, b"\x02\x28")),
        "unexpected_message", "message_forbidden", "an unencrypted alert"),
    "a warning in clear": (first(record(ALERT, b"\x01\x5a")),
        "unexpected_message", "message_forbidden", "an unencrypted alert"),
    "close_notify in clear": (first(CLOSE_NOTIFY),
        "unexpected_message", "message_forbidden", "an unencrypted alert"),
    "half an alert in clear": (first(record(ALERT, b"\x02")),
        "unexpected_message", "message_forbidden", "an unencrypted alert"),
    "a record of type 24": (first(record(24, b"ab")),
        "unexpected_message", "message_forbidden", "unknown type"),
    "no bytes of a message": (sealed(HANDSHAKE, b""), "unexpected_message", "message_forbidden", "empty"),
    "half a message before data": (
        lambda client: client.send(client.seal(HANDSHAKE, KEY_UPDATE[:3]), client.seal(DATA, b"x")),
        "unexpected_message", "message_forbidden", ""),
    "two key updates in a record": (sealed(HANDSHAKE, KEY_UPDATE * 2),
        "unexpected_message", "message_forbidden", ""),
    "a key update of an unknown kind": (sealed(HANDSHAKE, b"\x18\x00\x00\x01\x07"),
        "illegal_parameter", "record_malformed", ""),
    "key updates without end": (lambda client: client.send(*(client.update_keys() for _ in range(33))),
        "unexpected_message", "message_flood", "TooManyKeyUpdate"),
    "empty records without end": (lambda client: client.send(*(client.seal(DATA, b"") for _ in range(33))),
        "unexpected_message", "message_flood", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", AFTER)
def test_what_is_wrong_behind_the_handshake_is_answered_and_told(
    edge: RunningEdge, port: int, case: str
) -> None:
    """An open connection ends by the RFC's alert, which arrives also behind unread bytes, with an event."""
    act, alert, reason, detail = AFTER[case]
    since = edge.last_event()
    with contextlib.closing(RawClient13(port)) as client:
        client.greet()
        client.complete()
        act(client)
        with contextlib.suppress(ConnectionError):
            client.send(record(DATA, bytes(2**14)))
        heard = client.end()
    assert heard == Heard(2, NUMBERS[alert])
    event = edge.wait_event("tls_failed", since)
    assert (event["site"], event["reason"], event["alert"]) == ("a.test", reason, alert)
    assert detail in event["detail"]


def test_an_alert_behind_the_handshake_is_told_by_its_name(edge: RunningEdge, port: int) -> None:
    """A client that ends an open connection by an alert is told from one that is at fault."""
    since = edge.last_event()
    with contextlib.closing(RawClient13(port)) as client:
        client.greet()
        client.complete()
        client.send(client.seal(ALERT, b"\x02\x31"))
        client.end()
    event = edge.wait_event("tls_failed", since)
    assert (event["reason"], event["alert"], event["detail"]) == (
        "client_alerted", None, "the client sent the alert access_denied",
    )  # fmt: skip


def test_renegotiation_is_refused_and_then_ended(edge: RunningEdge, port: int) -> None:
    """In TLS 1.2 the first wish gets a warning, the second one the end (RFC 5746 §4.5)."""
    since = edge.last_event()
    with contextlib.closing(RawClient12(port)) as client:
        client.greet()
        client.complete()
        client.send(client.seal(HANDSHAKE, HELLO), client.seal(HANDSHAKE, HELLO))
        assert client.end() == Heard(2, NUMBERS["handshake_failure"])
    event = edge.wait_event("tls_failed", since)
    assert (event["reason"], event["alert"]) == ("message_flood", "handshake_failure")
