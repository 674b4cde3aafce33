"""The first words with a server: find something that it answers, before asking what it does not."""

from dataclasses import dataclass, field

from port443.core.probe.asking import Answer, Ask, Lane, Question, Spoke, Unreached, told
from port443.core.probe.legacy import first_question, short_question
from port443.core.probe.modern import full_question
from port443.core.wire.versions import Version

UNKNOWN_NAME = "unrecognized_name"
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
    def advice(self) -> str:
        """What to try when nothing was answered."""
        if UNKNOWN_NAME in self.silence:
            return "the server does not know this name; give the right one with --servername NAME"
        if any(isinstance(answer, Unreached) for answer in self.answers.values()):
            return "check host and port, and that the server runs"
        return "check that this port speaks TLS from its first byte"


def first_contact() -> Lane[Contact]:
    """Ask for the newest version first, and go down until something is answered; then in short hellos."""
    contact = Contact()
    long, short = map(first_question, VERSIONS), map(short_question, VERSIONS)
    for question in (full_question(), *long, *short):
        answer = yield question
        contact.answers[question] = answer
        if isinstance(answer, Spoke):
            contact.canary = question
            return contact
        if isinstance(answer, Unreached):
            return contact  # there is no way there: more questions would only take time
    return contact
