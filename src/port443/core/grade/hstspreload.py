"""The requirements of hstspreload.org for a site's entry in browsers, as data.

Read in the original: the list of submission requirements of the site itself, which bears no date; the day
since which it requires a year is from memory.
"""

from datetime import date

from port443.core.grade.baseline import Source
from port443.core.grade.requirement import Baseline, HSTSAtLeast, Requirement, Unseen, no_finding

YEAR_S = 31536000
HSTSPRELOAD = Baseline(
    "hstspreload",
    "2017",
    "HSTS preload list, submission requirements",
    Source("hstspreload.org, Submission Requirements", "https://hstspreload.org/"),
    date(2017, 10, 11),
    None,
    (
        Requirement(
            "certificate",
            "A valid certificate",
            "1",
            no_finding(
                "CERT-001",
                "CERT-002",
                "CERT-003",
                "CERT-004",
                "CERT-005",
                "CERT-007",
                "CERT-009",
                "CERT-010",
                "CERT-015",
                "CERT-017",
            ),
        ),
        Requirement(
            "redirect",
            "Port 80, where it listens, redirects to https on the same host",
            "2",
            no_finding("HTTP-004"),
        ),
        Requirement("subdomains", "All subdomains speak https", "3", Unseen("their names are not known")),
        Requirement("www", "www does, when it is in the DNS", "3", Unseen("scan www too")),
        Requirement("age", "max-age of a year at least", "4", HSTSAtLeast(YEAR_S)),
        Requirement("include", "includeSubDomains is there", "4", HSTSAtLeast(0, subdomains=True)),
        Requirement("preload", "preload is there", "4", HSTSAtLeast(0, preload=True)),
        Requirement("redirect-header", "So has a redirect from https", "4", Unseen("not looked for yet")),
    ),
)
