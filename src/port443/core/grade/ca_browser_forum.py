"""The lifetimes of the CA/B Forum's Baseline Requirements, as ballot SC-081v3 set them.

Read in the original: docs/BR.md §6.3.2 of cabforum/servercert, of 2026-05-04. They hold for public CAs.
"""

from datetime import date

from port443.core.grade.baseline import Source
from port443.core.grade.requirement import Baseline, LivesAtMost, Requirement, Unseen, no_finding

STEPS = (
    (date(2020, 9, 1), date(2026, 3, 15), 398),
    (date(2026, 3, 15), date(2027, 3, 15), 200),
    (date(2027, 3, 15), date(2029, 3, 15), 100),
    (date(2029, 3, 15), None, 47),
)
CA_BROWSER_FORUM = Baseline(
    "ca-browser-forum",
    "sc081v3",
    "CA/B Forum Baseline Requirements, lifetimes of SC-081v3",
    Source("Baseline Requirements §6.3.2", "https://github.com/cabforum/servercert docs/BR.md"),
    date(2020, 9, 1),
    None,
    (
        *(
            Requirement(
                f"lifetime-{days}",
                f"A certificate issued from {since} on lives {days} days at most",
                "§6.3.2",
                LivesAtMost(days, since, until),
            )
            for since, until, days in STEPS
        ),
        Requirement(
            "validation",
            "The control of a name is validated anew in time",
            "§4.2.1",
            Unseen("between CA and owner"),
        ),
        Requirement("broken-keys", "No key that is known to be weak", "§6.1.1.3", no_finding("CERT-020")),
        Requirement("key-size", "RSA keys of 2048 bits at least", "§6.1.5", no_finding("CERT-008")),
        Requirement("sha-2", "No SHA-1 signatures", "§7.1.3.2", no_finding("CERT-009", "CERT-010")),
        Requirement("names", "The host is in the subjectAltName", "§7.1.2.7", no_finding("CERT-013")),
    ),
)
