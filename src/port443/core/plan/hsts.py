"""The HSTS ladder: a max-age that grows only as long as proofs hold (RFC 6797).

    5 minutes ──► 1 day ──► 30 days ──► 1 year

Each arrow is one `advance`: the max-age of the step has passed since the step was taken and since the last
failed proof. The caller has made the site's handshakes just before. A failed proof restarts the wait of the
step; no arrow leads back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from port443.core.contract.snapshot import Hsts
from port443.core.names import HostName
from port443.core.plan.desired import DesiredSite, HstsFixed

DAY_S = 86_400
LADDER_S = (300, DAY_S, 30 * DAY_S, 365 * DAY_S)
"""Five minutes, a day, thirty days, a year."""


@dataclass(frozen=True, slots=True)
class HstsStep:
    """The step of a site, and since when."""

    step: int
    """An index into `LADDER_S`."""
    since: datetime

    @property
    def max_age_s(self) -> int:
        """How long the header of this step binds browsers."""
        return LADDER_S[min(self.step, len(LADDER_S) - 1)]


def advance(step: HstsStep, now: datetime, last_failed_proof: datetime | None) -> HstsStep:
    """Return the step that holds from `now`: the next one when the last has passed without a failed proof.

    A failed proof keeps the site on its step, which then has to pass again; no step is taken back, since
    browsers keep the max-age already. It is one step at most, however long ago the last call was: each
    max-age has to be served for its whole time before a longer one is.
    """
    since = step.since
    if last_failed_proof is not None and since < last_failed_proof <= now:
        since = last_failed_proof
    if step.step + 1 < len(LADDER_S) and now >= since + timedelta(seconds=LADDER_S[step.step]):
        return HstsStep(step.step + 1, now)
    return HstsStep(step.step, since)


def next_step_due(step: HstsStep) -> datetime | None:
    """Return when the step after this one may be taken at the earliest; None on the last."""
    if step.step + 1 >= len(LADDER_S):
        return None
    return step.since + timedelta(seconds=LADDER_S[step.step])


def header_of(site: DesiredSite, step: HstsStep | None) -> Hsts | None:
    """Return the header of a site; without a step it has the ladder's first."""
    hosts = (name for name in site.names if isinstance(name, HostName) and not _is_local(name))
    names = tuple(sorted(host.text for host in hosts))
    match site.hsts:
        case "none":
            return None
        case "ladder":
            rung = min(step.step, len(LADDER_S) - 1) if step else 0
            return _header(names, HstsFixed(LADDER_S[rung]))
        case HstsFixed():
            return _header(names, site.hsts)
        case kind:
            assert_never(kind)


def _is_local(name: HostName) -> bool:
    # A browser would refuse every plain server that a developer runs on this machine, on any port.
    return name.text == "localhost"


def _header(names: tuple[str, ...], wish: HstsFixed) -> Hsts | None:
    if not names:
        return None
    return Hsts(names, wish.max_age_s, wish.include_subdomains, wish.preload)
