"""Whole handshakes with real servers: each finding with one that has it and one that has not."""

import ssl
from pathlib import Path

import pytest

from port443.core.grade.baseline import Letter
from port443.core.grade.report import Report
from port443.core.probe.verdict import Standing, Verdict
from scanning import ids, look
from tls_certs import Files, Wish, ec_key, intermediate, issue, rsa_key, write
from tls_servers import openssl_server, python_server
from web_servers import gnutls_server, nginx_server

pytestmark = pytest.mark.slow
YES, NO, UNKNOWN = Standing.YES, Standing.NO, Standing.UNKNOWN
RENEGOTIATES, INSECURE, EARLY_POST, LONG, HTTP_2 = (f"P443-TLS-0{number}" for number in (36, 33, 37, 38, 39))


def files(place: Path, *, is_rsa: bool = False) -> Files:
    key = rsa_key() if is_rsa else ec_key()
    return write(place, issue(Wish(), key, intermediate()), (intermediate(),))


def verdicts(report: Report) -> dict[str, Verdict]:
    return {one.id: one.verdict for one in report.facts.server.traits}


def standings(report: Report, *names: str) -> list[Standing]:
    found = verdicts(report)
    return [found[name].standing for name in names]


def test_sessions_are_resumed_in_every_way(tmp_path: Path) -> None:
    """OpenSSL resumes by ticket, by id and in TLS 1.3, and renegotiates with nobody."""
    with openssl_server(files(tmp_path)) as endpoint:
        report = look(endpoint)
    wanted = ("ticket_resumption", "id_resumption", "psk_resumption", "ticket_key", "ticket_lifetime")
    assert standings(report, *wanted) == [YES] * len(wanted)
    assert standings(report, "client_renegotiation", "early_data") == [NO, NO]
    assert verdicts(report)["psk_lifetime"].reason == "7200 s"
    assert verdicts(report)["client_renegotiation"].reason == "alert no_renegotiation"
    assert not {RENEGOTIATES, INSECURE, EARLY_POST, LONG} & ids(report)
    proofs = {one.id: one.proof for one in report.facts.server.traits}
    assert proofs["psk_resumption"].startswith(b"\x16\x03\x03")
    assert report.facts.server.insecure_renegotiation.is_no
    assert report.connections <= 84


def test_a_server_without_tickets_resumes_by_id(tmp_path: Path) -> None:
    """Its tickets of TLS 1.3 are still there, and mean an entry in its cache."""
    with openssl_server(files(tmp_path), "-no_ticket", "-tls1_2") as endpoint:
        report = look(endpoint)
    assert standings(report, "ticket_resumption", "id_resumption") == [NO, YES]
    assert "psk_resumption" not in verdicts(report)


@pytest.mark.parametrize(
    ("options", "secure"), [((), True), (("-legacy_renegotiation",), False)], ids=["bound", "unbound"]
)
def test_renegotiation_is_really_tried(tmp_path: Path, options: tuple[str, ...], *, secure: bool) -> None:
    """One that is bound to its connection costs the server; one that is not, its clients (F)."""
    with openssl_server(files(tmp_path), "-client_renegotiation", *options) as endpoint:
        report = look(endpoint)
    assert RENEGOTIATES in ids(report)
    assert (INSECURE in ids(report)) != secure
    assert (report.grade.letter is Letter.F) != secure


def test_a_server_that_does_not_secure_renegotiation_is_told_from_one_that_has_none(tmp_path: Path) -> None:
    """GnuTLS can be told to forget RFC 5746, which is an F where it renegotiates."""
    made = files(tmp_path, is_rsa=True)
    with gnutls_server(made, "--priority", "NORMAL:%DISABLE_SAFE_RENEGOTIATION") as endpoint:
        report = look(endpoint)
    assert {"P443-TLS-019", INSECURE, RENEGOTIATES} <= ids(report)
    assert (report.grade.letter, report.grade.at_best) == (Letter.F, False)


def test_old_versions_are_renegotiated_too(tmp_path: Path) -> None:
    """TLS 1.0 with CBC, MD5 and SHA-1."""
    old = ("-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0", "-client_renegotiation")
    with openssl_server(files(tmp_path, is_rsa=True), *old) as endpoint:
        report = look(endpoint)
    assert standings(report, "client_renegotiation", "ticket_resumption") == [YES, YES]


def test_early_data_that_is_acted_on_is_found(tmp_path: Path) -> None:
    """Nginx answers a POST that came with the hello; without ssl_early_data there is no such thing."""
    made = files(tmp_path)
    lines = ("ssl_protocols TLSv1.3;", "location / { return 204; }")
    with nginx_server(tmp_path, made, "ssl_early_data on;", *lines) as endpoint:
        early = look(endpoint)
    with nginx_server(tmp_path, made, *lines) as endpoint:
        late = look(endpoint)
    assert standings(early, "early_data", "early_data_taken", "early_data_post") == [YES, YES, YES]
    assert EARLY_POST in ids(early)
    assert standings(late, "early_data") == [NO]
    assert EARLY_POST not in ids(late)


def test_early_data_that_has_no_answer_is_a_doubt(tmp_path: Path) -> None:
    """GnuTLS's server takes it, and says nothing."""
    with gnutls_server(files(tmp_path), "--earlydata") as endpoint:
        report = look(endpoint)
    assert standings(report, "early_data_taken", "early_data_post") == [YES, UNKNOWN]
    assert EARLY_POST in {one.id for one in report.judgement.undetermined}


def test_tickets_that_live_for_long_are_found(tmp_path: Path) -> None:
    """Eight days in nginx, which is more than TLS 1.3 allows, and five minutes by default."""
    made = files(tmp_path)
    with nginx_server(tmp_path, made, "ssl_session_timeout 8d;") as endpoint:
        assert LONG in ids(look(endpoint))
    with nginx_server(tmp_path, made) as endpoint:
        assert LONG not in ids(look(endpoint))


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_http_2_has_to_begin_with_settings(tmp_path: Path, version: str) -> None:
    """Nginx speaks what it chooses; a server behind which only HTTP/1.1 is spoken does not."""
    made = files(tmp_path)
    with nginx_server(tmp_path, made, f"ssl_protocols {version};", listen="ssl http2") as endpoint:
        good = look(endpoint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    if version == "TLSv1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with python_server(made, context=context) as endpoint:
        bad = look(endpoint)
    assert "MAX_CONCURRENT_STREAMS" in verdicts(good)["http2"].reason
    assert HTTP_2 not in ids(good)
    assert HTTP_2 in ids(bad)
