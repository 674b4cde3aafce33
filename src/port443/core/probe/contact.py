"""The first words with a server: find something that it answers, before asking what it does not."""

from dataclasses import dataclass, field

from port443.core.errors import ScanError
from port443.core.probe.asking import (
    Alerted,
    Answer,
    Ask,
    Faulted,
    Garbled,
    Lane,
    Question,
    Spoke,
    TimedOut,
    Unreached,
    told,
)
from port443.core.probe.legacy import first_question, plain_question, short_question
from port443.core.probe.modern import full_question, modern_questions
from port443.core.wire.versions import Version

UNKNOWN_NAME = "unrecognized_name"
GIVE_UP_AFTER = 3
"""So many silences, or strangers' answers, to hellos long and short are enough."""
FIRST_QUESTIONS = (
    full_question(),
    first_question(Version.TLS_1_2),
    short_question(Version.TLS_1_2),
    *modern_questions()[1:],
    plain_question(Version.TLS_1_2),
    *(
        ask(v)
        for v in (Version.TLS_1_1, Version.TLS_1_0, Version.SSL_3)
        for ask in (first_question, short_question)
    ),
)
"""The newest version first, then down; in each long and short, with and without what is new."""
NOTHING_FITS = "it takes no suite, group or signature scheme that was offered; its log says which"
ADVICE = {
    UNKNOWN_NAME: "the server does not know this name; give the right one with --servername NAME",
    "handshake_failure": NOTHING_FITS,
    "insufficient_security": NOTHING_FITS,
    "protocol_version": "it speaks no version from TLS 1.3 down to SSL 3.0; its log says why",
    "internal_error": "the server itself is in trouble; look at its log",
}


@dataclass(slots=True)
class Contact:
    """What the first questions showed; their answers are used again by the lanes that would ask them."""

    canary: Ask | None = None
    answers: dict[Question, Answer] = field(default_factory=dict)

    @classmethod
    def broken(cls, reason: str) -> "Contact":
        """Say that nothing could be found out."""
        return cls(answers={full_question(): Faulted(reason)})

    @property
    def oldest(self) -> str:
        """The oldest version that was tried."""
        return min(one.offer.version for one in self.answers if isinstance(one, Ask)).label

    @property
    def silence(self) -> str:
        """What came in place of a ServerHello, in the order of its first coming: to which hellos, what."""
        by_words: dict[str, list[str]] = {}
        for question, answer in self.answers.items():
            versions = by_words.setdefault(told(answer), [])
            version = question.offer.version.label if isinstance(question, Ask) else Version.SSL_2.label
            if version not in versions:
                versions.append(version)
        if len(by_words) == 1:
            return next(iter(by_words))
        return "; ".join(f"{words} to {_listed(versions)}" for words, versions in by_words.items())

    @property
    def speaks_tls(self) -> bool:
        """Whether anything came in TLS records: an alert is TLS."""
        answers = self.answers.values()
        return any(isinstance(one, Alerted) or (isinstance(one, Garbled) and one.is_tls) for one in answers)

    @property
    def unreached(self) -> ScanError | None:
        """Why no connection came about, when none did."""
        causes = (answer.error for answer in self.answers.values() if isinstance(answer, Unreached))
        return next(causes, None)

    @property
    def is_hopeless(self) -> bool:
        """Whether more questions would only take time."""
        said = tuple(self.answers.values())
        if any(isinstance(answer, Unreached) for answer in said):
            return True
        return len(said) >= GIVE_UP_AFTER and all(isinstance(one, TimedOut | Garbled) for one in said)

    @property
    def advice(self) -> str:
        """What to try when nothing was taken."""
        alerts = {answer.alert.name for answer in self.answers.values() if isinstance(answer, Alerted)}
        advised = (advice for alert, advice in ADVICE.items() if alert in alerts)
        hints = (answer.hint for answer in self.answers.values() if isinstance(answer, Garbled))
        default = (
            "look at the server's log"
            if self.speaks_tls
            else "check that this port speaks TLS from its first byte"
        )
        return next(filter(None, (*advised, *hints)), default)


def first_contact() -> Lane[Contact]:
    """Ask for the newest version first and go down, in hellos of every shape, until something is answered."""
    contact = Contact()
    for question in FIRST_QUESTIONS:
        answer = yield question
        contact.answers[question] = answer
        if isinstance(answer, Spoke):
            contact.canary = question
            return contact
        if contact.is_hopeless:
            return contact
    return contact


def _listed(versions: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(versions[:-1]), versions[-1])))
