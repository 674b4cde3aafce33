"""A session that can be resumed, and the hellos that offer it (RFC 5246 §7.3, RFC 5077, RFC 8446 §4.2.11)."""

from dataclasses import dataclass, field, replace

from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import Extension, ExtensionType, bare, find, parse_extensions
from port443.core.wire.reading import Reader, vector
from port443.core.wire.schedule import EarlySecret, Transcript, suite_13
from port443.core.wire.suites import RENEGOTIATION_SCSV
from port443.core.wire.versions import Version

KEY_NAME = 16
"""Bytes at the start of a ticket that name its key, by the format that RFC 5077 §4 recommends."""


UNENDED = {ExtensionType.SESSION_TICKET, ExtensionType.ENCRYPT_THEN_MAC, ExtensionType.NPN}
"""What the end of a handshake is not made with here, or is written anew."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a client keeps of a connection to resume it."""

    version: int
    suite: int
    secret: bytes = field(repr=False)
    """The master secret, or the PSK of a ticket of TLS 1.3."""
    session_id: bytes = b""
    ticket: bytes = field(default=b"", repr=False)
    lifetime_s: int = 0
    """What the server says; 0 up to TLS 1.2 means that it says nothing (RFC 5077 §3.3)."""
    age_add: int = 0
    max_early_data: int = 0
    is_extended: bool = False
    """Whether its master secret is the extended one."""


def parse_ticket_12(body: bytes) -> tuple[int, bytes]:
    """Read a NewSessionTicket up to TLS 1.2: the lifetime and the ticket (RFC 5077 §3.3)."""
    reader = Reader(body, "the NewSessionTicket")
    lifetime, ticket = reader.number(4), reader.vector(2)
    reader.end()
    return lifetime, ticket


def parse_ticket_13(body: bytes, suite: int, resumption: bytes) -> Session:
    """Read a NewSessionTicket of TLS 1.3 (RFC 8446 §4.6.1)."""
    reader = Reader(body, "the NewSessionTicket")
    lifetime, age_add, nonce, ticket = (
        reader.number(4),
        reader.number(4),
        reader.vector(1),
        reader.vector(2, 1),
    )
    extensions = parse_extensions(reader.vector(2), "the NewSessionTicket")
    reader.end()
    early = find(extensions, ExtensionType.EARLY_DATA)
    psk = suite_13(suite).expand(resumption, "resumption", nonce)
    most = 0 if early is None else int.from_bytes(early)
    return Session(Version.TLS_1_3, suite, psk, b"", ticket, lifetime, age_add, most)


def with_ticket_wish(hello: ClientHello, *, wants: bool) -> ClientHello:
    """Return the hello with a wish for a ticket, or without one."""
    if hello.extensions is None:
        return hello
    kept = tuple(one for one in hello.extensions if one.kind not in UNENDED)
    return replace(hello, extensions=(*kept, bare(ExtensionType.SESSION_TICKET)) if wants else kept)


def resuming(hello: ClientHello, session: Session, *, early: bool = False) -> ClientHello:
    """Return the hello with an offer to resume a session; `early` says that early data follows."""
    if session.version >= Version.TLS_1_3:
        return _with_psk(hello, session, early=early)
    if not session.ticket:
        return replace(with_ticket_wish(hello, wants=False), session_id=session.session_id)
    # A server that takes the ticket sends the session id back (RFC 5077 §3.4).
    kept = with_ticket_wish(hello, wants=False)
    offered = Extension(ExtensionType.SESSION_TICKET, session.ticket)
    return replace(kept, session_id=hello.random, extensions=(*(kept.extensions or ()), offered))


def _with_psk(hello: ClientHello, session: Session, *, early: bool) -> ClientHello:
    """Add pre_shared_key at the end, with the binder over all that stands before it (RFC 8446 §4.2.11.2).

    The ticket is taken to be just made: what it is older by than that is less than servers put up with.
    """
    suite = suite_13(session.suite)
    kept = (*(hello.extensions or ()), *((bare(ExtensionType.EARLY_DATA),) if early else ()))
    identity = vector(2, vector(2, session.ticket) + session.age_add.to_bytes(4))

    def bound(binder: bytes) -> ClientHello:
        binders = vector(2, vector(1, binder))
        return replace(hello, extensions=(*kept, Extension(ExtensionType.PRE_SHARED_KEY, identity + binders)))

    empty = bound(bytes(suite.hash_size)).message()
    transcript = Transcript(suite.hash_name)
    transcript.add(empty[: -suite.hash_size - 3])
    return bound(EarlySecret(suite, session.secret).binder(transcript.digest()))


def again(hello: ClientHello, random: bytes, bound_to: bytes | None) -> ClientHello:
    """Return the hello of a renegotiation, bound to the client's first Finished or to nothing."""
    left_out = {ExtensionType.RENEGOTIATION_INFO, ExtensionType.SESSION_TICKET}
    kept = tuple(one for one in hello.extensions or () if one.kind not in left_out)
    suites = tuple(code for code in hello.suites if code != RENEGOTIATION_SCSV)
    bound = () if bound_to is None else (Extension(ExtensionType.RENEGOTIATION_INFO, vector(1, bound_to)),)
    return replace(hello, random=random, session_id=b"", suites=suites, extensions=(*kept, *bound) or None)
