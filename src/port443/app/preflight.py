"""What can be seen from here before an order is made: whether the CA would find what it looks for."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from port443.app.acme_attempt import AcmeServices, Wanted
from port443.app.handshake import challenge_handshake
from port443.core.acme.challenges import TlsAlpnAnswer, tls_alpn_answer, tls_alpn_server_name
from port443.core.control.certificates import PreflightCheck
from port443.core.errors import Port443Error, ScanError
from port443.core.names import Endpoint, SiteName
from port443.core.probe.failures import ConnectionEnded, HandshakeFailed, HandshakeRefused
from port443.ports import Dial

HTTPS_PORT = 443
CLOCK_OFF = timedelta(minutes=5)
ANOTHER = (HandshakeRefused, HandshakeFailed, ConnectionEnded)
"""What only a server that is reached can do; all else is silence."""
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Preflight:
    """Looks at what an order depends on. It orders nothing, and a CA counts nothing of it."""

    services: AcmeServices
    dial: Dial
    """The way to the site's names, as anybody would go."""
    listens_on: Sequence[Endpoint]
    """Where TLS is listened for."""
    port: int = HTTPS_PORT
    """Where CAs connect to."""

    async def checks(self, wanted: Wanted) -> AsyncGenerator[PreflightCheck]:
        """Yield what each check came to."""
        yield self._listening()
        for check in (self._directory, self._ledger):
            for found in await check(wanted):
                yield found
        for found in await self._reached(wanted):
            yield found

    def _listening(self) -> PreflightCheck:
        if any(one.port == self.port for one in self.listens_on):
            return PreflightCheck("listening", "good", f"port {self.port} is listened on", "")
        where = ", ".join(map(str, self.listens_on))
        hint = f"have connections to port {self.port} of the name's addresses led there"
        return PreflightCheck("listening", "warning", f"CAs connect to port {self.port}, not {where}", hint)

    async def _directory(self, wanted: Wanted) -> list[PreflightCheck]:
        """Look at the CA: whether it answers, does what it is to do, and what time it has."""
        ca, now = wanted.ca, self.services.clock.now()
        try:
            directory = await self.services.transport(ca).directory()
        except Port443Error as error:
            return [PreflightCheck("CA", "failed", error.message, error.hint)]
        found = [PreflightCheck("CA", "good", f"{ca.name} answers", "")]
        if directory.terms_of_service and not ca.agree_tos:
            text = f"it takes accounts only from those who agree to {directory.terms_of_service}"
            found.append(PreflightCheck("account", "failed", text, "read them, then set `agree_tos: true`"))
        if directory.external_account_required and ca.eab is None:
            text = "it takes accounts only with an external account binding"
            found.append(PreflightCheck("account", "failed", text, "set `eab` at the issuer"))
        if wanted.profile and directory.profiles and wanted.profile not in directory.profiles:
            offered = ", ".join(directory.profiles)
            text = f"it has no profile {wanted.profile}"
            found.append(PreflightCheck("profile", "failed", text, f"name one of {offered}, or none"))
        if directory.date and abs(directory.date - now) > CLOCK_OFF:
            text = f"this machine's clock says {now:%H:%M:%S} UTC, and the CA's {directory.date:%H:%M:%S}"
            found.append(PreflightCheck("clock", "failed", text, "set the clock: timedatectl set-ntp true"))
        return found

    async def _ledger(self, wanted: Wanted) -> list[PreflightCheck]:
        account = await self.services.accounts.known(wanted.ca)
        refusal = await wanted.refusal(self.services, account.url if account else "")
        if refusal:
            return [PreflightCheck("rate limit", "failed", refusal.message, refusal.hint)]
        return [
            PreflightCheck("rate limit", "good", "an order is within what is known of the CA's limits", "")
        ]

    async def _reached(self, wanted: Wanted) -> list[PreflightCheck]:
        """Have each address of each name show an answer that only this server has."""
        if self.services.answers.of(wanted.site.id):
            text = "an order is under way, and its answers are not disturbed"
            return [PreflightCheck("address", "warning", text, "look again when it is through")]
        key, site = ec.generate_private_key(ec.SECP256R1()), wanted.site
        proof, now = secrets.token_urlsafe(32), self.services.clock.now()
        answers = {name: tls_alpn_answer(name, proof, key, now) for name in site.names}
        turns = asyncio.Semaphore(AT_ONCE)
        published = tuple(answers.values())
        await self.services.answers.publish(site.id, published)
        try:
            found = await asyncio.gather(*(self._name(name, one, turns) for name, one in answers.items()))
        finally:
            await self.services.answers.withdraw(site.id, published)
        return [check for checks in found for check in checks]

    async def _name(
        self, name: SiteName, answer: TlsAlpnAnswer, turns: asyncio.Semaphore
    ) -> list[PreflightCheck]:
        try:
            endpoints = await self.dial.resolve(name, self.port)
        except ScanError as error:
            hint = "publish an A or AAAA record that leads here, if there is none"
            return [PreflightCheck("DNS", "warning", f"not visible from here: {error.message}", hint)]
        return list(await asyncio.gather(*(self._address(name, one, answer, turns) for one in endpoints)))

    async def _address(
        self, name: SiteName, endpoint: Endpoint, answer: TlsAlpnAnswer, turns: asyncio.Semaphore
    ) -> PreflightCheck:
        about = f"{name} on {endpoint}"
        hint = f"lead {endpoint.address} here, or take the record away that names it"
        try:
            async with turns:
                shown = await challenge_handshake(self.dial, endpoint, tls_alpn_server_name(name))
        except ANOTHER as error:
            return PreflightCheck("address", "failed", f"{about} is another server: {error.message}", hint)
        except ScanError as error:
            text = f"{about} is not visible from here: {error.message}"
            return PreflightCheck("address", "warning", text, "whether CAs reach it, only they can tell")
        if shown.chain[:1] == answer.chain:
            return PreflightCheck("address", "good", f"{about} leads here", "")
        return PreflightCheck(
            "address", "failed", f"{about} is another server with its own certificate", hint
        )
