"""One CA over HTTPS: signed requests with a pool of nonces, every reply bounded in size and time."""

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence

import certifi
import httpx

from port443.adapters.acme_http.nonces import NoncePool
from port443.core.acme.directory import Directory, read_directory
from port443.core.acme.errors import CAReplyInvalid, CAUnreachable
from port443.core.acme.flow import JSON, Post, Replied, problem_in, refusal
from port443.core.acme.jws import jwk, signed
from port443.core.acme.reply import Moment, Reply
from port443.core.acme.urls import host_of, origin
from port443.ports import Clock

AT_ONCE = 8
"""Requests to one CA at a time; with more of them each takes longer, and no more are done."""
MAX_BODY = 1 << 20
CONNECT_WITHIN_S, ANSWER_WITHIN_S = 10.0, 30.0
WITHIN_S = 60.0
"""For one request, with all of its body: a CA that sends an octet now and then is given up too."""
DIRECTORY_KEPT_S = 3600.0
MAX_BAD_NONCES = 24
"""A CA that refuses every second nonce refuses so many in a row once in sixteen million requests."""
JOSE = "application/jose+json"


class AcmeClient:
    """Implements `AcmeTransport`. To be closed, in the event loop that it was used in."""

    def __init__(
        self, directory_url: str, clock: Clock, *, user_agent: str, trust: Sequence[bytes] | None = None
    ) -> None:
        """Trust the roots of the system, or these alone, in DER."""
        self._directory_url = directory_url
        self._clock = clock
        self._nonces = NoncePool()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._directory: tuple[Directory, float] | None = None
        self._fetching = asyncio.Lock()
        self._http = httpx.AsyncClient(
            verify=_context(trust),
            # A body that is not compressed cannot grow when it is read.
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S),
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def directory(self) -> Directory:
        """Return the CA's directory, fetched an hour ago at the earliest."""
        async with self._fetching:
            now_s = asyncio.get_running_loop().time()
            if self._directory is None or now_s - self._directory[1] > DIRECTORY_KEPT_S:
                self._directory = await self._fetched_directory(), now_s
            return self._directory[0]

    async def get(self, url: str) -> Reply:
        """Send a request that needs no signature."""
        return await self._send("GET", url, {"Accept": JSON})

    async def post(self, post: Post) -> Reply:
        """Sign and send a request, again with another nonce as often as the CA refuses the nonce alone."""
        for _ in range(MAX_BAD_NONCES):
            reply = await self._signed(post)
            if reply.status != 400 or problem_in(reply).type != "badNonce":
                break
        return reply

    async def _fetched_directory(self) -> Directory:
        if origin(self._directory_url) is None:
            raise CAReplyInvalid(
                f"{self._directory_url[:200]!r} is no URL of an ACME directory", "it begins with https://"
            )
        reply = await self.get(self._directory_url)
        if reply.status != 200:
            now = Moment(self._clock.now(), asyncio.get_running_loop().time())
            raise refusal(Replied(reply, now), "its directory")
        return read_directory(reply)

    async def _signed(self, post: Post) -> Reply:
        header: dict[str, object] = {"nonce": await self._nonce(), "url": post.url}
        if post.signer.account_url is None:
            header["jwk"] = jwk(post.signer.key)
        else:
            header["kid"] = post.signer.account_url
        body = json.dumps(signed(post.signer.key, header, post.payload)).encode()
        return await self._send("POST", post.url, {"Accept": post.accept, "Content-Type": JOSE}, body)

    async def _nonce(self) -> str:
        if nonce := self._nonces.take():
            return nonce
        url = (await self.directory()).new_nonce
        reply = await self._send("HEAD", url, {})
        if nonce := self._nonces.take():
            return nonce
        raise reply.invalid("has no nonce")

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        try:
            async with self._turns, asyncio.timeout(WITHIN_S):
                request = self._http.build_request(method, url, headers=dict(headers), content=body)
                response = await self._http.send(request, stream=True)
                try:
                    self._nonces.put(response.headers.get("Replay-Nonce"))
                    return _reply(url, response, await _body(url, response))
                finally:
                    await response.aclose()
        except (httpx.TransportError, httpx.StreamError, TimeoutError, OSError) as error:
            raise _unreachable(url, error) from error


async def _body(url: str, response: httpx.Response) -> bytes:
    """Read the body as it comes, and no more than is wanted of any."""
    reply = _reply(url, response, b"")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise reply.invalid("is compressed, which was not asked for")
    body = bytearray()
    async for octets in response.aiter_raw():
        body += octets
        if len(body) > MAX_BODY:
            raise reply.invalid(f"has more than {MAX_BODY} bytes")
    return bytes(body)


def _reply(url: str, response: httpx.Response, body: bytes) -> Reply:
    headers = response.headers
    return Reply(
        url,
        response.status_code,
        headers.get("Content-Type", ""),
        body,
        headers.get("Location"),
        headers.get("Retry-After"),
        headers.get("Date"),
        tuple(headers.get_list("Link")),
    )


def _unreachable(url: str, error: Exception) -> CAUnreachable:
    ca, words = host_of(url), str(error)
    match error:
        case httpx.TimeoutException() | TimeoutError():
            why, step = "did not answer in time", "look at whether this machine reaches it"
        case _ if "CERTIFICATE_VERIFY_FAILED" in words:
            cause = words.partition("certificate verify failed:")[2].partition("(_ssl")[0].strip()
            why = f"has a TLS certificate that is not trusted: {cause}"
            step = "for a CA of your own set `trust` at the issuer to a file with its root"
        case httpx.ConnectError():
            why, step = f"cannot be reached: {words}", "look at the directory's URL, DNS and the firewall"
        case _:
            why, step = f"broke off: {words or type(error).__name__}", "it is tried again"
    return CAUnreachable(f"{ca} {why}", step)


def _context(trust: Sequence[bytes] | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trust is not None:
        context.load_verify_locations(cadata=b"".join(trust))
        return context
    paths = ssl.get_default_verify_paths()
    context.load_default_certs()
    if not (paths.cafile or paths.capath):
        context.load_verify_locations(certifi.where())  # a small container has no roots of its own
    return context
