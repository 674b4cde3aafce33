"""Whether the clock can be right at all: it cannot be before the program was built."""

from datetime import datetime

from port443.core.errors import CertificateError


class ClockWrong(CertificateError):
    """This machine's clock says a time before this program was built, so it is wrong.

    No certificate is made, renewed or judged by it, and no step of the HSTS ladder is taken: what was served
    goes on, whatever its dates. Set the clock, for instance `timedatectl set-ntp true`; it is looked at again
    within a minute, then less and less often.
    """

    code = "P443-E229"
    fault = "machine"
    retry = True


def clock_fault(now: datetime, built: datetime) -> ClockWrong | None:
    """Return what is wrong with `now` as a clock's word; None when it may be right."""
    if now >= built:
        return None
    return ClockWrong(
        f"the clock says {now:%Y-%m-%d %H:%M} UTC, and this program was built on {built:%Y-%m-%d}",
        "set the clock: timedatectl set-ntp true",
    )
