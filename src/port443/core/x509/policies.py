"""Certificate policies along a path (RFC 5280 §6.1), with the user content with any policy.

Only the lowest level of the tree is kept, each policy once (RFC 9618): whether a path is valid depends on
nothing above it, and a tree would grow exponentially with hostile mappings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from port443.core.x509.extensions import ANY_POLICY, Policies
from port443.core.x509.facts import CertFacts

Level = dict[str, frozenset[str]]
"""The valid policies at a depth, each with those that are expected below it."""


@dataclass(slots=True)
class PolicyProcess:
    """State variables of §6.1.2 while the path is processed from the root down."""

    explicit: int
    mapping: int
    any_policy: int
    level: Level = field(default_factory=lambda: {ANY_POLICY: frozenset({ANY_POLICY})})

    def process(self, policies: Policies, *, allows_any: bool) -> None:
        """Go down one certificate (§6.1.3 d and e)."""
        if policies.listed is None or not self.level:
            self.level = {}
            return
        expected = frozenset().union(*self.level.values())
        found = {
            one: frozenset({one})
            for one in policies.listed - {ANY_POLICY}
            if one in expected or ANY_POLICY in self.level
        }
        if ANY_POLICY in policies.listed and (self.any_policy > 0 or allows_any):
            found |= {one: frozenset({one}) for one in expected - found.keys()}
        self.level = found

    def prepare(self, certificate: CertFacts) -> None:
        """Prepare for the next certificate (§6.1.4 a, b, h, i, j)."""
        policies = certificate.extensions.policies
        self._map(policies.mapped)
        if not certificate.is_self_issued:
            self.explicit = max(self.explicit - 1, 0)
            self.mapping = max(self.mapping - 1, 0)
            self.any_policy = max(self.any_policy - 1, 0)
        self.explicit = _least(self.explicit, policies.require_explicit)
        self.mapping = _least(self.mapping, policies.inhibit_mapping)
        self.any_policy = _least(self.any_policy, policies.inhibit_any)

    def _map(self, pairs: tuple[tuple[str, str], ...]) -> None:
        mapped: dict[str, set[str]] = {}
        for issuer, subject in pairs:
            mapped.setdefault(issuer, set()).add(subject)
        for issuer, subjects in mapped.items():
            if self.mapping == 0:
                self.level.pop(issuer, None)
            elif issuer in self.level or ANY_POLICY in self.level:
                self.level[issuer] = frozenset(subjects)


def _least(number: int, limit: int | None) -> int:
    return number if limit is None else min(number, limit)


def lacks_policy(below: Sequence[CertFacts]) -> CertFacts | None:
    """Return the certificate at which no policy is left although one is required; None for a good path.

    `below` is leaf first, without the trusted root: that is not processed.
    """
    start = len(below) + 1
    process = PolicyProcess(start, start, start)
    for place, one in enumerate(reversed(below), 1):
        is_last = place == len(below)
        process.process(one.extensions.policies, allows_any=not is_last and one.is_self_issued)
        if is_last:
            process.explicit = max(process.explicit - 1, 0)
            if one.extensions.policies.require_explicit == 0:
                process.explicit = 0
        if process.explicit == 0 and not process.level:
            return one
        if not is_last:
            process.prepare(one)
    return None
