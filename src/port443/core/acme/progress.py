"""What happens to an order, for whoever watches: each event with a line of text."""

from dataclasses import dataclass
from datetime import datetime

from port443.core.acme.challenges import ChallengeType
from port443.core.acme.errors import AcmeError
from port443.core.names import SiteName


@dataclass(frozen=True, slots=True)
class Ordered:
    """The CA has an order."""

    order_url: str
    resumed: bool
    """Whether it is one of an earlier attempt."""

    @property
    def text(self) -> str:
        return "going on with the order" if self.resumed else "ordered"


@dataclass(frozen=True, slots=True)
class ReplacesRefused:
    """The CA did not take the order as one that replaces a certificate; it is made again without that."""

    error: AcmeError

    @property
    def text(self) -> str:
        return f"ordering without naming the certificate that is replaced: {self.error.message}"


@dataclass(frozen=True, slots=True)
class ChallengeChosen:
    """How a name will be validated."""

    name: SiteName
    type: ChallengeType
    reason: str

    @property
    def text(self) -> str:
        return f"{self.name} will be validated by {self.type}: {self.reason}"


@dataclass(frozen=True, slots=True)
class AnswersPublished:
    """Whoever asks for the challenges' answers gets them from here on."""

    names: tuple[SiteName, ...]

    @property
    def text(self) -> str:
        return f"ready to be validated: {', '.join(map(str, self.names))}"


@dataclass(frozen=True, slots=True)
class NamesValidated:
    """The CA believes that these names are ours."""

    names: tuple[SiteName, ...]
    reused: bool
    """Whether that is from an earlier order."""

    @property
    def text(self) -> str:
        earlier = ", earlier already" if self.reused else ""
        return f"validated{earlier}: {', '.join(map(str, self.names))}"


@dataclass(frozen=True, slots=True)
class Finalised:
    """The certificate has been requested."""

    @property
    def text(self) -> str:
        return "certificate requested"


@dataclass(frozen=True, slots=True)
class Waiting:
    """The CA is not done; it is asked again then."""

    what: str
    until: datetime

    @property
    def text(self) -> str:
        return f"waiting for the CA: {self.what}"


OrderProgress = (
    Ordered | ReplacesRefused | ChallengeChosen | AnswersPublished | NamesValidated | Finalised | Waiting
)
