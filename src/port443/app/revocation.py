"""Ask a CA whether a certificate is revoked: its OCSP responder, then its list (RFC 6960, RFC 5280 §5)."""

import base64
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from port443.core.errors import ScanError
from port443.core.names import Endpoint, NameInvalid, parse_site_name
from port443.core.probe.http import ABSOLUTE, HTTPRequest
from port443.core.x509.chain import ChainVerdict
from port443.core.x509.crl import judge_list
from port443.core.x509.facts import CertFacts
from port443.core.x509.ocsp import Answer, Revocation, judge_response, write_request

if TYPE_CHECKING:
    from port443.ports import Dial

WITHIN_S = 10.0
MAX_RESPONSE, MAX_LIST = 64 * 1024, 32 * 1024 * 1024
OK = 200
HTTP = 80


async def ask_revocation(dial: "Dial", verdict: ChainVerdict, place: Endpoint, now: datetime) -> Answer | str:
    """Return what the CA says of a chain's leaf, or why it says nothing.

    A certificate names whatever addresses it likes: those of private networks are asked only when the server
    that showed it is in one itself.
    """
    if len(verdict.path) < 2:
        return "the issuer of the certificate is not known"
    leaf, issuer = verdict.path[0], verdict.path[1]
    reasons = ["the certificate names neither an OCSP responder nor a list"]
    for url, is_list in _urls(leaf, issuer):
        said = await _fetch(dial, url, place, MAX_LIST if is_list else MAX_RESPONSE)
        if isinstance(said, str):
            reasons.append(f"{url[:80]}: {said}")
            continue
        answer = judge_list(said, leaf, issuer, now) if is_list else judge_response(said, leaf, issuer, now)
        if answer.state is not Revocation.INVALID:
            return answer
        reasons.append(f"{url[:80]}: {answer.reason}")
    return "; ".join(reasons[1:] or reasons)


def _urls(leaf: CertFacts, issuer: CertFacts) -> Iterator[tuple[str, bool]]:
    """Give what is to be asked for, and whether a list is there."""
    for url in leaf.extensions.ocsp_urls:
        request = quote(base64.b64encode(write_request(leaf, issuer)).decode("ascii"), safe="")
        yield f"{url.rstrip('/')}/{request}", False
    yield from ((url, True) for url in leaf.extensions.crl_urls)


async def _fetch(dial: "Dial", url: str, place: Endpoint, most: int) -> bytes | str:
    """Return what stands at an http URL, or why nothing came."""
    parts = ABSOLUTE.fullmatch(url)
    if parts is None or parts[1].lower() != "http":
        return "it is no http URL"
    try:
        name = parse_site_name(parts[2])
        port = int((parts[3] or "")[1:6] or HTTP)
        endpoint = next(iter(await dial.resolve(name, port)))
        if not _may_ask(endpoint, place):
            return f"{endpoint.address} is of a private network"
        request = HTTPRequest(
            name, port, is_tls=False, path=parts[4] or "/", wants_body=True, takes=most or None
        )
        answer = await dial.get(endpoint, request, WITHIN_S)
    except (ScanError, NameInvalid, ValueError) as error:
        return str(error)
    return answer.body if answer.status == OK else f"it answers {answer.status}"


def _may_ask(endpoint: Endpoint, place: Endpoint) -> bool:
    return ip_address(endpoint.address).is_global or not ip_address(place.address).is_global
