"""Put a lane's questions to a server, one connection each, and count them."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar, assert_never

from port443.app.handshake import ask_again
from port443.core.errors import ScanError
from port443.core.names import Endpoint, SiteName
from port443.core.probe.asking import (
    Alerted,
    Answer,
    Ask,
    AskSSL2,
    Ended,
    Faulted,
    Lane,
    NotAsked,
    Question,
    SpokeSSL2,
    answer_of,
    answer_of_failure,
)
from port443.core.probe.facts import SeenChains
from port443.core.probe.failures import fault_in_words
from port443.core.probe.hellos import ENTROPY, build
from port443.core.wire import ssl2
from port443.core.wire.alerts import Alert
from port443.core.wire.flight import Stage
from port443.core.wire.reader import FlightReader
from port443.core.wire.reading import Malformed
from port443.ports import Connection, Dial

T = TypeVar("T")
MAX_QUESTIONS = 256
"""Connections that one lane may take: more suites than any server was ever seen with."""
MAX_SSL2 = 2**15 + 2


class Interview:
    """One scan's way of asking: at most one hello a connection, until the time is over."""

    def __init__(self, dial: Dial, endpoint: Endpoint, name: SiteName | None, *, patience_s: float) -> None:
        self.connections = 0
        self.known: dict[Question, Answer] = {}
        """Answers that came before the lanes began; each is used once, so that a repetition is real."""
        self.chains = SeenChains()
        self.on_answer: Callable[[], None] = lambda: None
        self._dial = dial
        self._endpoint = endpoint
        self._name = name
        self._patience_s = patience_s
        self._end: float | None = None

    def end_at(self, moment: float) -> None:
        """Set, in the event loop's time, after when nothing is asked any more."""
        self._end = moment

    async def walk(self, lane: Lane[T], otherwise: Callable[[str], T]) -> T:
        """Put a lane's questions one after the other and return what it concludes.

        `otherwise` is its conclusion, from the reason, when an answer that nobody foresaw breaks it.
        """
        asked = 0
        try:
            question = next(lane)
            while True:
                answer = self.known.pop(question, None) or await self._ask(question, asked)
                question, asked = lane.send(answer), asked + 1
        except StopIteration as ended:
            result: T = ended.value
            return result
        except Exception as error:  # noqa: BLE001 - one lane's fault must not end the scan
            return otherwise(fault_in_words(error))

    async def _ask(self, question: Question, asked: int) -> Answer:
        left = self._time_left()
        if asked >= MAX_QUESTIONS:
            return NotAsked(f"the limit of {MAX_QUESTIONS} connections for one question is reached")
        if left <= 0:
            return NotAsked("the time for this host was over")
        self.connections += 1
        try:
            async with self._dial.connect(self._endpoint, min(left, self._patience_s)) as connection:
                return await self._exchange(connection, question)
        except ScanError as error:
            return answer_of_failure(error)
        except Exception as error:  # noqa: BLE001 - the peer's bytes must not end the scan
            return Faulted(fault_in_words(error))
        finally:
            self.on_answer()

    def _time_left(self) -> float:
        now = asyncio.get_running_loop().time()
        return self._patience_s if self._end is None else self._end - now

    async def _exchange(self, connection: Connection, question: Question) -> Answer:
        match question:
            case Ask():
                return await self._ask_tls(connection, question)
            case AskSSL2():
                return await _ask_ssl2(connection)
            case kind:
                assert_never(kind)

    async def _ask_tls(self, connection: Connection, question: Ask) -> Answer:
        hello = build(question.offer, self._name, secrets.token_bytes(ENTROPY))
        reader = FlightReader(hello.hello, hello.shares)
        await connection.send(hello.hello.encode())
        try:
            await _hear(connection, reader)
            # Who sent no key wanted to hear no more than what the server asks for.
            if reader.flight.stage is Stage.RETRIED and hello.shares:
                await ask_again(connection, hello, question.offer, reader)
                await _hear(connection, reader)
        except ScanError as error:
            # A ServerHello stands, whatever came after it.
            if reader.flight.chosen is None:
                raise
            reader.flight.fault = error.message
        if reader.flight.stage is Stage.COMPLETE:
            await connection.send(reader.farewell())
        self.chains.add(reader.flight)
        return answer_of(reader.flight)


async def _hear(connection: Connection, reader: FlightReader) -> None:
    while reader.flight.stage is Stage.OPEN and (octets := await connection.receive()):
        reader.receive(octets)


async def _ask_ssl2(connection: Connection) -> Answer:
    await connection.send(ssl2.client_hello(secrets.token_bytes(ssl2.CHALLENGE)))
    heard = b""
    while octets := await connection.receive():
        heard += octets
        answer = ssl2.read_answer(heard)
        if isinstance(answer, Alert):
            return Alerted(answer)
        if answer is not None:
            return SpokeSSL2(answer.ciphers)
        if len(heard) > MAX_SSL2:
            raise Malformed("the answer to a hello of SSL 2.0 has no end")
    return Ended()
