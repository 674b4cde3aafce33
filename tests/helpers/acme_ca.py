"""An ACME CA of our own for what no real one does on demand: faults, hostile replies, wrong certificates.

`StandInCA.handle` takes a request and returns a reply, without a socket; `serving` puts it behind HTTPS. It
verifies what it gets by itself, so that nothing of the product is checked against itself.
"""

import asyncio
import base64
import hashlib
import json
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki import NOW, Made, general_name, intermediate, root
from port443.core.acme.challenges import HttpAnswer, PendingAnswer, TlsAlpnAnswer

BASE = "https://ca.test"
ERROR = "urn:ietf:params:acme:error:"
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
ROOT, OTHER_ROOT = root("CA root"), root("Other root")
ISSUER = intermediate(ROOT, "CA issuer")
CROSS = intermediate(OTHER_ROOT, "CA issuer", key=ISSUER.key)
OFFERED = ("http-01", "dns-01", "tls-alpn-01")


@dataclass(frozen=True)
class Answer:
    """A reply, before it goes on any wire."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Cut:
    """The connection ends instead of a reply; what was asked for was done, or not."""

    done: bool


@dataclass(frozen=True)
class Instead:
    """Another reply; what was asked for was not done."""

    answer: Answer


@dataclass(frozen=True)
class Changed:
    """What was asked for was done, and the reply to it is changed."""

    by: Callable[[Answer], Answer]


@dataclass(frozen=True)
class Endless:
    """A body without an end."""


@dataclass(frozen=True)
class Silent(Cut):
    """No reply, and the connection stays; without a network that is the same."""

    done: bool = False


Fault = Cut | Instead | Changed | Endless


class Refused(Exception):
    """What the CA says no to."""

    def __init__(self, status: int, kind: str, detail: str = "no") -> None:
        super().__init__(kind)
        self.answer = problem(status, kind, detail)


def problem(status: int, kind: str, detail: str = "no", **more: Any) -> Answer:
    document = {"type": ERROR + kind, "detail": detail, "status": status, **more}
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/problem+json"})


@dataclass
class Authorisation:
    """One name, to be validated."""

    number: int
    identifier: dict[str, str]
    status: str = "pending"
    begun: str | None = None
    error: dict[str, Any] | None = None


@dataclass
class Order:
    """One order of one account."""

    number: int
    account: str
    request: dict[str, Any]
    authorisations: list[Authorisation]
    status: str = "pending"
    looks: int = 0
    certificate: list[list[x509.Certificate]] | None = None


@dataclass
class StandInCA:
    """Does what it is asked for, apart from `faults`: of each endpoint the next one is taken each time."""

    base: str = BASE
    now: datetime = NOW
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    every: dict[str, Fault] = field(default_factory=dict)
    """Faults of an endpoint that never end."""
    pending_looks: int = 0
    """How often an order is looked at before it is validated."""
    processing_looks: int = 0
    offered: tuple[str, ...] = OFFERED
    profiles: dict[str, str] = field(default_factory=lambda: {"short": "six days"})
    replaces_refused: Answer | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    certify: "Certify | None" = None
    answers: tuple[PendingAnswer, ...] = ()
    """What a validator would find."""
    validates: Callable[[str], bool] = lambda _: True
    """Whether a validator reaches a name."""
    log: list[str] = field(default_factory=list)
    accounts: dict[str, PublicKey] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    authorisations: list[Authorisation] = field(default_factory=list)
    revoked: list[bytes] = field(default_factory=list)
    deactivated: set[str] = field(default_factory=set)
    nonces: set[str] = field(default_factory=set)
    window: Answer | None = None

    def __post_init__(self) -> None:
        self.root, self.other_root = ROOT, OTHER_ROOT
        self.issuer, self.cross = ISSUER, CROSS
        self._counted = 0

    @property
    def issued(self) -> int:
        """How many certificates were made."""
        return sum(order.certificate is not None for order in self.orders)

    def handle(self, method: str, url: str, body: bytes) -> Answer | Cut | Endless:
        """Return the reply to a request, or that there is none."""
        path = url.removeprefix(self.base)
        endpoint = path.strip("/").split("/")[0]
        self.log.append(endpoint)
        fault = self.faults[endpoint].popleft() if self.faults[endpoint] else self.every.get(endpoint)
        match fault:
            case Instead(answer=answer):
                return self._nonced(answer, endpoint)
            case Cut(done=False) | Endless():
                return fault
            case _:
                pass
        answer = self._nonced(self._answer(method, url, path, body), endpoint)
        match fault:
            case Cut():
                return fault
            case Changed(by=by):
                return by(answer)
            case _:
                return answer

    def _nonced(self, answer: Answer, endpoint: str) -> Answer:
        if endpoint in {"directory", "renewal-info"}:
            return answer
        self._counted += 1
        nonce = base64.urlsafe_b64encode(f"nonce {self._counted:06}".encode()).decode().rstrip("=")
        self.nonces.add(nonce)
        return replace(answer, headers={"Replay-Nonce": nonce, **answer.headers})

    def _answer(self, method: str, url: str, path: str, body: bytes) -> Answer:
        endpoint, *rest = path.strip("/").split("/")
        try:
            match endpoint:
                case "directory":
                    return self._json(200, self._directory())
                case "new-nonce":
                    return Answer(200 if method == "HEAD" else 204)
                case "renewal-info":
                    return self.window or Answer(404)
                case _:
                    return self._signed(endpoint, rest, url, body)
        except Refused as refused:
            return refused.answer

    def _directory(self) -> dict[str, Any]:
        places = {
            "newNonce": "new-nonce", "newAccount": "new-account", "newOrder": "new-order",
            "revokeCert": "revoke", "keyChange": "key-change", "renewalInfo": "renewal-info",
        }  # fmt: skip
        urls = {key: f"{self.base}/{place}" for key, place in places.items()}
        return {**urls, "meta": {"profiles": self.profiles, **self.meta}}

    # --- signed requests ---

    def _signed(self, endpoint: str, rest: list[str], url: str, body: bytes) -> Answer:
        header, payload, key = self._verified(url, body)
        account = header.get("kid", "")
        match endpoint:
            case "new-account":
                return self._account(key, payload)
            case "account":
                return self._changed_account(account, payload)
            case "key-change":
                return self._key_change(account, payload)
            case "new-order":
                return self._new_order(account, payload)
            case "order":
                return self._order(self._of(self.orders, rest), account)
            case "authorisation":
                return self._authorisation(self._of(self.authorisations, rest))
            case "challenge":
                return self._challenge(self._of(self.authorisations, rest), rest[1], key)
            case "finalise":
                return self._finalise(self._of(self.orders, rest), payload)
            case "certificate":
                return self._certificate(self._of(self.orders, rest), int(rest[1]) if rest[1:] else 0)
            case "revoke":
                return self._revoke(payload)
            case _:
                raise Refused(404, "malformed", "no such page")

    def _verified(self, url: str, body: bytes) -> tuple[dict[str, Any], Any, PublicKey]:
        parts = json.loads(body)
        header = json.loads(unpadded(parts["protected"]))
        if header["url"] != url:
            raise Refused(400, "unauthorized", "signed for another URL")
        if header["nonce"] not in self.nonces:
            raise Refused(400, "badNonce")
        self.nonces.remove(header["nonce"])
        if ("jwk" in header) == ("kid" in header):
            raise Refused(400, "malformed", "one of jwk and kid")
        key = public_key(header["jwk"]) if "jwk" in header else self.accounts.get(header["kid"])
        if key is None or header.get("kid") in self.deactivated:
            raise Refused(401, "accountDoesNotExist" if key is None else "unauthorized")
        verify(key, header["alg"], parts)
        return header, json.loads(unpadded(parts["payload"])) if parts["payload"] else None, key

    def _account(self, key: PublicKey, payload: Any) -> Answer:
        url = next((url for url, one in self.accounts.items() if one == key), None)
        if url is None and payload.get("onlyReturnExisting"):
            raise Refused(400, "accountDoesNotExist")
        status = 200 if url else 201
        if url is None:
            url = f"{self.base}/account/{len(self.accounts)}"
            self.accounts[url] = key
        return self._json(status, {"status": "valid"}, {"Location": url})

    def _changed_account(self, account: str, payload: Any) -> Answer:
        if payload and payload.get("status") == "deactivated":
            self.deactivated.add(account)
            return self._json(200, {"status": "deactivated"})
        return self._json(200, {"status": "valid", **(payload or {})})

    def _key_change(self, account: str, inner: Any) -> Answer:
        header = json.loads(unpadded(inner["protected"]))
        key = public_key(header["jwk"])
        verify(key, header["alg"], inner)
        content = json.loads(unpadded(inner["payload"]))
        if content["account"] != account or public_key(content["oldKey"]) != self.accounts[account]:
            raise Refused(400, "malformed", "of another account")
        if key in self.accounts.values():
            raise Refused(409, "conflict", "the key has an account")
        self.accounts[account] = key
        return self._json(200, {"status": "valid"})

    # --- orders ---

    def _new_order(self, account: str, payload: Any) -> Answer:
        if "replaces" in payload and self.replaces_refused:
            return self.replaces_refused
        if payload.get("profile", "short") not in self.profiles:
            raise Refused(400, "invalidProfile")
        found = [
            Authorisation(len(self.authorisations) + at, one) for at, one in enumerate(payload["identifiers"])
        ]
        self.authorisations += found
        order = Order(len(self.orders), account, payload, found)
        self.orders.append(order)
        return self._json(201, self._shown(order), {"Location": f"{self.base}/order/{order.number}"})

    def _order(self, order: Order, account: str) -> Answer:
        if order.account != account:
            raise Refused(401, "unauthorized", "of another account")
        order.looks += 1
        self._advance(order)
        return self._json(200, self._shown(order))

    def _advance(self, order: Order) -> None:
        """Do what a CA does by itself between two looks."""
        states = {one.status for one in order.authorisations}
        if order.status == "pending" and states & {"invalid"}:
            order.status = "invalid"
        elif order.status == "pending" and states == {"valid"} and order.looks > self.pending_looks:
            order.status, order.looks = "ready", 0
        elif order.status == "processing" and order.looks > self.processing_looks:
            order.status = "valid"

    def _shown(self, order: Order) -> dict[str, Any]:
        shown = {
            "status": order.status,
            "identifiers": order.request["identifiers"],
            "authorizations": [f"{self.base}/authorisation/{one.number}" for one in order.authorisations],
            "finalize": f"{self.base}/finalise/{order.number}",
        }
        if "profile" in order.request:
            shown["profile"] = order.request["profile"]
        if order.status == "valid":
            shown["certificate"] = f"{self.base}/certificate/{order.number}"
        return shown

    def _authorisation(self, one: Authorisation) -> Answer:
        challenges = [self._shown_challenge(one, kind) for kind in self.offered]
        return self._json(200, {"status": one.status, "identifier": one.identifier, "challenges": challenges})

    def _shown_challenge(self, one: Authorisation, kind: str) -> dict[str, Any]:
        status = one.status if one.begun == kind else "pending"
        error = {"error": one.error} if one.error and one.begun == kind else {}
        url = f"{self.base}/challenge/{one.number}/{kind}"
        return {"type": kind, "url": url, "token": self._token(one, kind), "status": status, **error}

    def _token(self, one: Authorisation, kind: str) -> str:
        return self.token or hashlib.sha256(f"{one.number} {kind}".encode()).hexdigest()[:32]

    def _challenge(self, one: Authorisation, kind: str, key: PublicKey) -> Answer:
        """Validate at once: whoever says that it is ready has to be."""
        if one.status != "pending":
            raise Refused(400, "malformed", "is not pending")
        one.begun = kind
        proof = f"{self._token(one, kind)}.{thumbprint(key)}"
        name = one.identifier["value"]
        if self.validates(name) and any(answers(it, kind, name, proof) for it in self.answers):
            one.status = "valid"
        else:
            one.status = "invalid"
            one.error = json.loads(problem(403, "unauthorized", f"nothing right at {name}").body)
        return self._json(200, self._shown_challenge(one, kind))

    def _finalise(self, order: Order, payload: Any) -> Answer:
        if order.status != "ready":
            raise Refused(403, "orderNotReady", order.status)
        csr = x509.load_der_x509_csr(unpadded(payload["csr"]))
        assert csr.is_signature_valid
        if set(names_in(csr)) != {one["value"] for one in order.request["identifiers"]}:
            raise Refused(400, "badCSR", "other names")
        order.certificate = (self.certify or certify)(self, csr)
        order.status = "processing" if self.processing_looks else "valid"
        return self._json(200, self._shown(order))

    def _certificate(self, order: Order, which: int) -> Answer:
        chains = order.certificate or []
        if order.status != "valid" or which >= len(chains):
            raise Refused(404, "malformed", "no such certificate")
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in chains[which])
        link = ", ".join(
            f'<{self.base}/certificate/{order.number}/{at}>;rel="alternate"'
            for at in range(len(chains)) if at != which
        )  # fmt: skip
        headers = {"Content-Type": "application/pem-certificate-chain"} | ({"Link": link} if link else {})
        return Answer(200, pem, headers)

    def _revoke(self, payload: Any) -> Answer:
        certificate = unpadded(payload["certificate"])
        if certificate in self.revoked:
            raise Refused(400, "alreadyRevoked")
        self.revoked.append(certificate)
        return Answer(200)

    def _of(self, found: list[Any], rest: list[str]) -> Any:
        if not rest or not rest[0].isdigit() or int(rest[0]) >= len(found):
            raise Refused(404, "malformed", "no such thing")
        return found[int(rest[0])]

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> Answer:
        return Answer(
            status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})}
        )


Certify = Callable[[StandInCA, x509.CertificateSigningRequest], list[list[x509.Certificate]]]


def certify(
    ca: StandInCA, csr: x509.CertificateSigningRequest, **changes: Any
) -> list[list[x509.Certificate]]:
    """Sign a right certificate, and offer it with two chains."""
    made = signed_leaf(ca, csr.public_key(), *names_in(csr), **changes)
    return [[made, ca.issuer.certificate], [made, ca.cross.certificate]]


def names_in(csr: x509.CertificateSigningRequest) -> list[str]:
    wanted = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in wanted]


def signed_leaf(ca: StandInCA, key: Any, *names: str, **changes: Any) -> x509.Certificate:
    by: Made = changes.pop("by", ca.issuer)
    begins = changes.pop("not_before", ca.now - timedelta(hours=1))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(by.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(changes.pop("not_after", begins + timedelta(days=90)))
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False
        )
        .sign(by.key, hashes.SHA256())
    )


def answers(answer: PendingAnswer, kind: str, name: str, proof: str) -> bool:
    """Whether a validator of this kind, for this name, would be content."""
    match answer:
        case HttpAnswer():
            return kind == "http-01" and answer.key_authorisation == proof
        case TlsAlpnAnswer():
            certificate = x509.load_der_x509_certificate(answer.chain[0])
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            mark = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
            assert isinstance(mark.value, x509.UnrecognizedExtension)
            digest = hashlib.sha256(proof.encode()).digest()
            is_for = [str(one.value) for one in names] == [name]
            return (
                kind == "tls-alpn-01"
                and is_for
                and mark.value.value == b"\x04\x20" + digest
                and mark.critical
            )
        case _:
            return False


# --- JOSE, written down a second time ---


def unpadded(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_key(jwk: dict[str, str]) -> PublicKey:
    number = {key: int.from_bytes(unpadded(value)) for key, value in jwk.items() if key in "xyne"}
    if jwk["kty"] == "EC":
        return ec.EllipticCurvePublicNumbers(number["x"], number["y"], ec.SECP256R1()).public_key()
    return rsa.RSAPublicNumbers(number["e"], number["n"]).public_key()


def thumbprint(key: PublicKey) -> str:
    def text(number: int, length: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes(length)).decode().rstrip("=")

    numbers = key.public_numbers()
    if isinstance(numbers, ec.EllipticCurvePublicNumbers):
        form = f'{{"crv":"P-256","kty":"EC","x":"{text(numbers.x, 32)}","y":"{text(numbers.y, 32)}"}}'
    else:
        form = f'{{"e":"AQAB","kty":"RSA","n":"{text(numbers.n, (numbers.n.bit_length() + 7) // 8)}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(form.encode()).digest()).decode().rstrip("=")


def verify(key: PublicKey, algorithm: str, parts: dict[str, str]) -> None:
    """Verify by the key's own algorithm: what the header says has to be just that."""
    content = f"{parts['protected']}.{parts['payload']}".encode()
    signature = unpadded(parts["signature"])
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            assert (algorithm, len(signature)) == ("ES256", 64)
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            key.verify(encode_dss_signature(r, s), content, ec.ECDSA(hashes.SHA256()))
        else:
            assert algorithm == "RS256"
            key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise Refused(403, "unauthorized", "the signature is not good") from error


# --- HTTPS ---

PHRASE = b"HTTP/1.1 %d Whatever\r\n"


@asynccontextmanager
async def serving(ca: StandInCA) -> AsyncIterator[bytes]:
    """Serve `ca` over HTTPS on loopback, at its `base` from then on; give the root of its TLS, in DER."""
    trust = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.issue_cert("127.0.0.1").configure_cert(context)
    open_writers: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await _exchange(ca, reader, writer):
                pass
        writer.transport.abort()
        open_writers.discard(writer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    ca.base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield ssl.PEM_cert_to_DER_cert(trust.cert_pem.bytes().decode())
    finally:
        server.close()
        for writer in tuple(open_writers):
            writer.transport.abort()
        await server.wait_closed()


async def _exchange(ca: StandInCA, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; false when the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, path, _ = head.split(" ", 2)
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    match ca.handle(method, ca.base + path, body):
        case Silent():
            await reader.read()
            return False
        case Cut():
            return False
        case Endless():
            writer.write(PHRASE % 200 + b"Content-Length: 104857600\r\n\r\n")
            while True:
                writer.write(b"[" * 65536)
                await writer.drain()
        case Answer(status=status, body=content, headers=headers):
            lines = (f"{key}: {value}\r\n" for key, value in headers.items())
            writer.write(
                PHRASE % status + "".join(lines).encode() + b"Content-Length: %d\r\n\r\n" % len(content)
            )
            writer.write(content if method != "HEAD" else b"")
            await writer.drain()
            return True
