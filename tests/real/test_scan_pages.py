"""Pages of real servers: their fields, their HTML, and where plain HTTP leads."""

import gzip
from pathlib import Path

import pytest

from port443.core.grade.report import Report
from scanning import ids, look
from tls_certs import Files, Wish, ec_key, intermediate, issue, write
from tls_servers import plain_server, python_server
from web_servers import nginx_server

pytestmark = pytest.mark.slow
SCRIPTS = b"<html><script src='https://cdn.example/a.js'></script></html>"
PAGE_RULES = {f"P443-HTTP-{number:03}" for number in range(13, 21)}


def files(place: Path) -> Files:
    return write(place, issue(Wish(), ec_key(), intermediate()), (intermediate(),))


def found(report: Report) -> set[str]:
    return ids(report) & PAGE_RULES


def test_a_careful_page_has_no_finding(tmp_path: Path) -> None:
    """With a policy, nosniff and cookies as they should be."""
    fields = (
        "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Set-Cookie: session=1; Secure; HttpOnly; SameSite=Lax",
    )
    with python_server(files(tmp_path), *fields) as endpoint:
        report = look(endpoint)
    assert found(report) == set()


def test_a_careless_page_is_found_out(tmp_path: Path) -> None:
    """Nginx packs the page, repeats any origin, and serves a session for every script."""
    lines = (
        "default_type text/html; gzip on; gzip_min_length 1;",
        f'location / {{ return 200 "{SCRIPTS.decode()}"; }}',
        'add_header Set-Cookie "sessid=1; Secure";',
        "add_header Access-Control-Allow-Origin $http_origin;",
        "add_header Access-Control-Allow-Credentials true;",
    )
    with nginx_server(tmp_path, files(tmp_path), *lines) as endpoint:
        report = look(endpoint)
    assert found(report) == PAGE_RULES - {"P443-HTTP-020"}
    assert report.facts.web.body == SCRIPTS


def test_a_page_in_chunks_is_read(tmp_path: Path) -> None:
    """Chunks of any size, packed or not."""
    packed = gzip.compress(SCRIPTS)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (packed[:10], packed[10:]))
    before = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n"
    answer = before + b"Content-Encoding: gzip\r\n\r\n" + chunks + b"0\r\n\r\n"
    with python_server(files(tmp_path), before=answer) as endpoint:
        report = look(endpoint)
    assert report.facts.web.body == SCRIPTS


def test_a_circle_of_redirects_is_found(tmp_path: Path) -> None:
    """From plain HTTP to plain HTTP, with cookies on the way; one redirect to https is none."""
    around = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nSet-Cookie: a=1\r\nConnection: close\r\n\r\n"
    with python_server(files(tmp_path)) as endpoint, plain_server(around) as plain:
        report = look(endpoint, http_port=plain.port)
    assert "P443-HTTP-020" in ids(report)
    assert [hop.status for hop in report.facts.web.hops] == [302, 302, 0]
    assert "P443-HTTP-010" in ids(report)
    home = b"HTTP/1.1 301 Moved\r\nLocation: https://localhost/\r\nConnection: close\r\n\r\n"
    with python_server(files(tmp_path)) as endpoint, plain_server(home) as plain:
        report = look(endpoint, http_port=plain.port)
    assert "P443-HTTP-020" not in ids(report)
    assert [hop.status for hop in report.facts.web.hops] == [301, 200]
