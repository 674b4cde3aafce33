"""What is meant beside what a scan observes: the edge offers it, and another program does not."""

from pathlib import Path

import pytest

from port443.adapters.sample_backend import SampleBackend
from port443.app.own_scans import KINDS, LEFT_OUT
from port443.core.control.own_scan import OwnScan, unlike_meant
from port443.core.grade.compare import seen_facts
from port443.core.grade.report import Report
from port443.core.names import Endpoint
from port443.core.plan.policies import POLICIES
from scanning import look
from serving import Serving
from tls_certs import Wish, ec_key, intermediate, issue, write
from tls_servers import openssl_server

pytestmark = pytest.mark.slow


def unlike(report: Report, policy: str) -> tuple[str, ...]:
    facts = {what: text for what, text in seen_facts(report).items() if what not in LEFT_OUT}
    keys = {KINDS[chain.leaf.key.kind] for chain in report.facts.chains}
    scan = OwnScan("it", report.started, "", None, facts)
    assert {"protocols", "cipher suites", "groups", "ALPN"} <= facts.keys()
    return unlike_meant(scan, POLICIES[policy], keys)  # type: ignore[index]


@pytest.mark.parametrize("policy", ["modern", "intermediate"])
def test_the_edge_offers_what_its_settings_mean(
    short_directory: Path, backend: SampleBackend, policy: str
) -> None:
    """No more and no less, in versions, suites, groups and ALPN."""
    serving = Serving(short_directory, backend_url=backend.url)
    serving.write({"app.localhost": {"to": backend.url, "tls": policy}})
    try:
        serving.started()
        report = look(Endpoint("127.0.0.1", serving.https_port), "app.localhost")
        jobs = [job["name"] for job in (serving.status() or {})["jobs"]]
    finally:
        serving.end()
    assert unlike(report, policy) == ()
    assert f"scan/app.localhost@127.0.0.1:{serving.https_port}" in jobs


def test_another_program_is_found_out(tmp_path: Path) -> None:
    """OpenSSL with its own ideas."""
    made = write(tmp_path, issue(Wish(), ec_key(), intermediate()), (intermediate(),))
    with openssl_server(made) as endpoint:
        report = look(endpoint)
    found = unlike(report, "modern")
    assert found[0] == "protocols: offered and not meant: TLS 1.2"
    assert found[-1].startswith("ALPN: meant and not offered: h2")
