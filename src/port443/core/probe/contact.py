"""The first words with a server: find something that it answers, before asking what it does not."""

from dataclasses import dataclass, field

from port443.core.errors import ScanError
from port443.core.probe.asking import (
    Answer,
    Ask,
    Garbled,
    Lane,
    Question,
    Spoke,
    TimedOut,
    Unreached,
    told,
)
from port443.core.probe.legacy import first_question, short_question
from port443.core.probe.modern import full_question
from port443.core.wire.versions import Version

UNKNOWN_NAME = "unrecognized_name"
GIVE_UP_AFTER = 3
"""So many silences, or strangers' answers, to hellos long and short are enough."""
VERSIONS = (Version.TLS_1_2, Version.TLS_1_1, Version.TLS_1_0, Version.SSL_3)


@dataclass(slots=True)
class Contact:
    """What the first questions showed; their answers are used again by the lanes that would ask them."""

    canary: Ask | None = None
    answers: dict[Question, Answer] = field(default_factory=dict)

    @property
    def silence(self) -> str:
        """What came in place of a ServerHello: an alert about the name, else what came first."""
        words = [told(answer) for answer in self.answers.values()]
        return next((word for word in words if UNKNOWN_NAME in word), words[0])

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
        """What to try when nothing was answered."""
        if UNKNOWN_NAME in self.silence:
            return "the server does not know this name; give the right one with --servername NAME"
        hints = (answer.hint for answer in self.answers.values() if isinstance(answer, Garbled))
        return next(filter(None, hints), "check that this port speaks TLS from its first byte")


def first_contact() -> Lane[Contact]:
    """Ask for the newest version first and go down, in long and short hellos, until something is answered."""
    contact = Contact()
    older = (ask(version) for version in VERSIONS for ask in (first_question, short_question))
    for question in (full_question(), *older):
        answer = yield question
        contact.answers[question] = answer
        if isinstance(answer, Spoke):
            contact.canary = question
            return contact
        if contact.is_hopeless:
            return contact
    return contact
