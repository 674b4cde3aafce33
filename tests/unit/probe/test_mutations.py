"""Whole conversations gone wrong: whatever a server sends is an answer or a doubt, never a fault of ours."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from failing_dial import FailingDial
from port443.app.probe_runner import ProbeRunner
from port443.app.survey import read_certificate, survey
from port443.core.grade.catalogue import RULES
from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint
from port443.core.probe.contact import Contact, first_contact
from port443.core.probe.facts import ServedChain, ServerFacts
from port443.core.probe.hellos import browser_offer, handshake_offer
from port443.core.probe.legacy import wide_query
from port443.core.probe.modern import handshake_query, naming_queries
from port443.core.probe.query import InternalFault, Query, SessionQuery, SSL2Query, TLSQuery
from port443.core.probe.sessions import Requests
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.reading import vector
from port443.core.wire.records import ContentType, Message, MessageBuffer, RecordBuffer, records
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version
from port443.core.x509.chain import explain_chain
from port443.core.x509.facts import CertFacts
from port443.ports import Connection
from scan_facts import good, roots
from tls_twin import Twin, certificate

CONVERSATIONS = 2000
SCANS = 4
PLACE = Endpoint("192.0.2.1", 443)
DEFECT = "defect of port443"


def mutated(octets: bytes, chance: random.Random) -> bytes:
    """Change some bytes: flipped, cut, doubled, put in, exchanged."""
    said = bytearray(octets)
    for _ in range(chance.choice((1, 1, 2, 4))):
        if not said:
            break
        at = chance.randrange(len(said))
        size = chance.choice((1, 1, 2, 3, 16))
        match chance.randrange(6):
            case 0:
                said[at] ^= 1 << chance.randrange(8)
            case 1:
                said[at : at + size] = chance.randbytes(len(said[at : at + size]))
            case 2:
                del said[at : at + size]
            case 3:
                said[at:at] = said[at : at + size]
            case 4:
                said[at : at + 2] = chance.choice((b"\x00\x00", b"\xff\xff", b"\x00\x01", b"\x7f\xff"))
            case _:
                del said[at:]
    return bytes(said)


class Mutator(FailingDial):
    """A `Dial` to a server in memory whose every answer may be changed."""

    def __init__(self, seed: int, rate: float = 1.0) -> None:
        super().__init__(AssertionError("never raised"))
        self.random = random.Random(seed)  # noqa: S311 - the same conversations in each run of the test
        self.rate = rate

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, within_s: float) -> AsyncIterator[Connection]:
        del endpoint, within_s
        await asyncio.sleep(0)
        yield Conversation(self)

    def maybe(self, octets: bytes) -> bytes:
        return mutated(octets, self.random) if self.random.random() < self.rate else octets

    def answer(self, sent: bytes) -> bytes:
        """Answer a hello; the change is under the protection, outside of it, or in the certificate."""
        where = self.random.randrange(3)
        inside = self.maybe if where == 0 else bytes
        leaf = self.maybe(certificate()) if where == 1 else certificate()
        outside = self.maybe if where == 2 else bytes
        return outside(_answer(sent, inside, leaf))


def _answer(sent: bytes, alter: Callable[[bytes], bytes], leaf: bytes) -> bytes:
    message = _message(sent)
    if message is None:
        return b"\x15\x03\x01\x00\x02\x02\x46"  # to SSL 2.0: protocol_version
    hello = ClientHello.parse(message)
    if 0x1301 in hello.suites:
        twin = Twin(leaf=leaf, alter=alter, compresses=b"\x00\x1b" in message)
        keys = b"\x00\x1d\x00\x20" in message
        return twin.flight(message) if keys else records(ContentType.HANDSHAKE, 0x0303, twin.retry(message))
    if hello.version != Version.TLS_1_2 or 0xC02B not in hello.suites:
        return b"\x15\x03\x03\x00\x02\x02\x28"
    body = ServerHello(Version.TLS_1_2, bytes(32), b"", 0xC02B, 0, ()).message()
    body += Message(11, vector(3, vector(3, leaf))).encode()
    point = b"\x04" + bytes(range(64))
    body += Message(12, b"\x03\x00\x17" + vector(1, point) + b"\x04\x03" + vector(2, bytes(70))).encode()
    body += Message(13, b"\x01\x01\x00\x02\x04\x03" + vector(2, vector(2, b"0\x00"))).encode()
    return records(ContentType.HANDSHAKE, 0x0303, alter(body) + Message(14, b"").encode())


def _message(sent: bytes) -> bytes | None:
    if sent[:1] != b"\x16":
        return None
    inside = MessageBuffer()
    for record in RecordBuffer().receive(sent):
        for message in inside.receive(record.fragment):
            return message.encode()
    return None


class Conversation:
    """A `Connection` to it."""

    def __init__(self, server: Mutator) -> None:
        self._server = server
        self._due = b""

    async def send(self, octets: bytes) -> None:
        if octets[:1] in {b"\x16", b"\x80"}:
            self._due += self._server.answer(octets)

    async def receive(self) -> bytes:
        part, self._due = self._due, b""
        return part

    async def finish(self) -> None:
        """Leave."""


QUERIES: dict[str, Query] = {
    "a handshake": handshake_query(),
    "a browser's handshake": TLSQuery(browser_offer()),
    "a retry": naming_queries()[0],
    "TLS 1.2": wide_query(Version.TLS_1_2),
    "SSL 2.0": SSL2Query(),
    "what is said over TLS 1.3": SessionQuery(handshake_query().offer, says=b"GET / HTTP/1.1\r\n\r\n"),
    "TLS 1.2 and once more": SessionQuery(handshake_offer(Version.TLS_1_2), renegotiates=True),
}


@pytest.mark.parametrize("what", QUERIES)
def test_no_conversation_is_a_fault_of_ours(what: str) -> None:
    """Hundreds of changes of each kind of flight, and of the certificate in it."""

    async def converse() -> None:
        runner = ProbeRunner(Mutator(sum(what.encode())), PLACE, None, patience_s=1)
        for number in range(CONVERSATIONS // len(QUERIES)):
            response = await runner._response(QUERIES[what], 1)
            assert not isinstance(response, InternalFault), (number, response)
        for served in runner.chains.chains:
            assert DEFECT not in str(judged(served))

    asyncio.run(converse())


def judged(served: ServedChain) -> JudgedChain | str:
    """Read and judge a chain as a scan does, and let every fault through."""
    found = [read_certificate(der) for der in served.certificates]
    facts = [one for one in found if isinstance(one, CertFacts)]
    if len(facts) < len(found):
        return next(one for one in found if isinstance(one, str))
    return JudgedChain(served, explain_chain(facts, roots(), good().now))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_no_scan_ends_by_what_a_server_sends(rate: float) -> None:
    """Every probe and every rule comes to its end, and none of them meets a fault of ours."""

    async def look(seed: int) -> ServerFacts | None:
        runner = ProbeRunner(Mutator(seed, rate), PLACE, None, patience_s=1)
        contact = await runner.run(first_contact(), Contact.broken)
        assert DEFECT not in contact.silence
        return (
            None
            if contact.control is None
            else await survey(runner, contact.control_probe(), Requests(b"", b""))
        )

    for seed in range(SCANS):
        server = asyncio.run(look(seed))
        if server is None:
            continue
        assert DEFECT not in repr(server)
        chains = tuple(one for one in map(judged, server.chains) if isinstance(one, JudgedChain))
        facts = good()
        facts = ScanFacts(
            facts.name, facts.port, facts.now, server, chains, None, facts.web, roots_are_public=True
        )
        judgement = judge(RULES, facts)
        assert DEFECT not in repr(judgement)
        assert grade(judgement, facts, SSL_LABS_2009R)
