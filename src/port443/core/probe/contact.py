"""The first hellos: find one that the server accepts, as a reference for all refusals."""

from dataclasses import dataclass, field

from port443.core.errors import ScanError
from port443.core.probe.confirm import ControlProbe
from port443.core.probe.legacy import shapes
from port443.core.probe.modern import handshake_queries, handshake_query, naming_queries
from port443.core.probe.query import (
    Accepted,
    AlertReceived,
    InternalFault,
    NoAnswer,
    NotConnected,
    Probe,
    ProtocolViolation,
    Query,
    Response,
    TLSQuery,
    describe,
)
from port443.core.wire.versions import Version

UNKNOWN_NAME = "unrecognized_name"
GIVE_UP_AFTER = 3
"""Attempts with silence, or with an answer that violates TLS, before the scan gives up."""
FIRST_QUERIES = (
    handshake_query(),
    *shapes(Version.TLS_1_2)[:2],
    *handshake_queries()[1:],
    *naming_queries(),
    *shapes(Version.TLS_1_2)[2:],
    *(query for version in (Version.TLS_1_1, Version.TLS_1_0, Version.SSL_3) for query in shapes(version)),
)
"""The newest version first, then down; each long and short, with and without new extensions."""
NOTHING_FITS = "it accepts no suite, group or signature scheme that was offered; see its log"
ADVICE = {
    UNKNOWN_NAME: "the server does not know this name; give the right one with --servername NAME",
    "handshake_failure": NOTHING_FITS,
    "insufficient_security": NOTHING_FITS,
    "protocol_version": "it supports no version from TLS 1.3 down to SSL 3.0; see its log",
    "internal_error": "the server has an internal error; see its log",
}


@dataclass(slots=True)
class Contact:
    """The responses to the first queries; probes that would repeat these use them."""

    control: TLSQuery | None = None
    answers: dict[Query, Response] = field(default_factory=dict)

    @classmethod
    def broken(cls, reason: str) -> "Contact":
        """Return the result when nothing could be determined."""
        return cls(answers={handshake_query(): InternalFault(reason)})

    def control_probe(self) -> ControlProbe:
        """Make the control probe from the accepted query, with the responses to the others."""
        control = ControlProbe(self.control)
        for query, response in self.answers.items():
            control.note(query, response, control.number())
        return control

    @property
    def oldest(self) -> str:
        """The oldest version that was tried."""
        return min(one.offer.version for one in self.answers if isinstance(one, TLSQuery)).label

    @property
    def silence(self) -> str:
        """The responses other than a ServerHello, by their first occurrence, each with its hellos."""
        by_words: dict[str, list[str]] = {}
        for query, answer in self.answers.items():
            versions = by_words.setdefault(describe(answer), [])
            version = query.offer.version.label if isinstance(query, TLSQuery) else Version.SSL_2.label
            if version not in versions:
                versions.append(version)
        if len(by_words) == 1:
            return next(iter(by_words))
        return "; ".join(f"{words} to {_listed(versions)}" for words, versions in by_words.items())

    @property
    def speaks_tls(self) -> bool:
        """Whether any response was in TLS records: an alert is TLS."""
        answers = self.answers.values()
        return any(
            isinstance(one, AlertReceived) or (isinstance(one, ProtocolViolation) and one.is_tls)
            for one in answers
        )

    @property
    def unreached(self) -> ScanError | None:
        """Why no connection was established, when none was."""
        causes = (answer.error for answer in self.answers.values() if isinstance(answer, NotConnected))
        return next(causes, None)

    @property
    def is_hopeless(self) -> bool:
        """Whether more queries would only take time."""
        said = tuple(self.answers.values())
        if any(isinstance(answer, NotConnected) for answer in said):
            return True
        return len(said) >= GIVE_UP_AFTER and all(
            isinstance(one, NoAnswer | ProtocolViolation) for one in said
        )

    @property
    def advice(self) -> str:
        """The hint when no hello was accepted."""
        alerts = {answer.alert.name for answer in self.answers.values() if isinstance(answer, AlertReceived)}
        advised = (advice for alert, advice in ADVICE.items() if alert in alerts)
        hints = (answer.hint for answer in self.answers.values() if isinstance(answer, ProtocolViolation))
        default = (
            "see the server's log"
            if self.speaks_tls
            else "check that this port speaks TLS from its first byte"
        )
        return next(filter(None, (*advised, *hints)), default)


def first_contact() -> Probe[Contact]:
    """Send hellos from the newest version down, in every shape, until one is answered."""
    contact = Contact()
    for query in FIRST_QUERIES:
        answer = yield query
        contact.answers[query] = answer
        if isinstance(answer, Accepted):
            contact.control = query
            return contact
        if contact.is_hopeless:
            return contact
    return contact


def _listed(versions: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(versions[:-1]), versions[-1])))
