"""Whether the clock can be right at all: it cannot be before the program was built."""

from datetime import datetime

from port443.core.errors import CertificateError


class ClockWrong(CertificateError):
    """This machine's clock is before the time when this program was built, so it is wrong.

    No certificate is made, renewed or checked by it, and the HSTS rollout is not advanced: what was served
    stays, whatever its dates. Set the clock, for instance `timedatectl set-ntp true`; it is checked again
    within a minute, then less and less often.
    """

    code = "P443-E229"
    fault = "machine"
    retry = True


def clock_fault(now: datetime, built: datetime) -> ClockWrong | None:
    """Return why `now` cannot be the time; None when it can be."""
    if now >= built:
        return None
    return ClockWrong(
        f"the clock reads {now:%Y-%m-%d %H:%M} UTC, and this program was built on {built:%Y-%m-%d}",
        "set the clock: timedatectl set-ntp true",
    )
