"""Every baseline that is shipped, and how one is found by name."""

from datetime import date

from port443.core.grade.bcp195 import BCP_195
from port443.core.grade.ca_browser_forum import CA_BROWSER_FORUM
from port443.core.grade.hstspreload import HSTSPRELOAD
from port443.core.grade.mdn_observatory import MDN_OBSERVATORY
from port443.core.grade.mozilla import MOZILLA
from port443.core.grade.requirement import Baseline, in_force

BASELINES: tuple[Baseline, ...] = (*MOZILLA, BCP_195, CA_BROWSER_FORUM, HSTSPRELOAD, MDN_OBSERVATORY)


def find_baseline(name: str, day: date) -> Baseline | None:
    """Find an edition by its id, or the one of a family that is in force on `day`."""
    wanted = name.strip().lower().replace(":", "-")
    exact = next((one for one in BASELINES if one.id == wanted), None)
    return exact or in_force(BASELINES, wanted, day)
