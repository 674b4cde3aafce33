"""The answers to CAs' challenges that are pending, and waiting until the edge gives them."""

import asyncio
from collections.abc import Awaitable, Callable

from port443.core.acme.challenges import PendingAnswer
from port443.core.errors import CertificateError, Port443Error


class AnswersNotServed(CertificateError):
    """The answers to a CA's challenges could not be given to the edge, so the CA was not asked to look.

    The message says why. The order stays open and goes on at the next attempt; see `port443 status` for what
    the edge does.
    """

    code = "P443-E263"
    fault = "machine"
    retry = True


class ChallengeAnswers:
    """What each site answers to CAs just now. It must not know how the edge is given it."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[PendingAnswer, ...]] = {}
        self._apply: Callable[[], Awaitable[None]] | None = None
        self._turn = asyncio.Lock()
        self._changes = 0
        self._applied = 0
        """How many of the changes the edge has."""

    def set_apply(self, apply: Callable[[], Awaitable[None]]) -> None:
        """Take what brings the answers as they stand to the edge, and returns when all of it answers so."""
        self._apply = apply

    def of(self, site: str) -> tuple[PendingAnswer, ...]:
        """Return what a site answers."""
        return self._answers.get(site, ())

    async def publish(self, site: str, answers: tuple[PendingAnswer, ...]) -> None:
        """Have a site answer so, and return when the edge does; raises `AnswersNotServed`.

        What several sites ask for at a time is applied together.
        """
        if answers:
            self._answers[site] = answers
        else:
            self._answers.pop(site, None)
        await self._applied_now()

    async def withdraw(self, site: str, answers: tuple[PendingAnswer, ...]) -> None:
        """Have a site answer nothing more, unless others have taken the place of these answers."""
        if self.of(site) == answers:
            await self.publish(site, ())

    async def _applied_now(self) -> None:
        self._changes += 1
        mine = self._changes
        async with self._turn:
            if self._applied < mine:
                reached = self._changes
                await self._brought()
                self._applied = reached

    async def _brought(self) -> None:
        if self._apply is None:
            raise AssertionError("answers are published by a running App alone")
        try:
            await self._apply()
        except Port443Error as error:
            raise AnswersNotServed(
                f"the edge does not answer challenges: {error.message}", error.hint
            ) from error
