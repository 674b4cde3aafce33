"""What is asked of a CA beside orders: accounts, revocation, renewal information. All raise `AcmeError`s."""

from port443.app.acme_flow import drive
from port443.core.acme import account as accounts
from port443.core.acme import renewal_info as renewals
from port443.core.acme.account import Account, Registration, RevocationReason
from port443.core.acme.flow import Signer
from port443.core.acme.jws import AccountKey
from port443.core.acme.renewal_info import RenewalInfo
from port443.core.x509.facts import CertFacts
from port443.ports import AcmeTransport, Clock


class AccountCalls:
    """One CA, asked for one thing at a time."""

    def __init__(self, transport: AcmeTransport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    async def register(self, registration: Registration) -> Account:
        """Return the account of a key, which is made when there is none."""
        flow = accounts.register(await self._transport.directory(), registration)
        return await drive(flow, self._transport, self._clock)

    async def find(self, key: AccountKey) -> Account | None:
        """Return the account of a key; None when the CA knows none."""
        flow = accounts.find(await self._transport.directory(), key)
        return await drive(flow, self._transport, self._clock)

    async def update_contact(self, account: Account, contact: tuple[str, ...]) -> None:
        """Replace the account's e-mail addresses."""
        await drive(accounts.update_contact(account, contact), self._transport, self._clock)

    async def deactivate(self, account: Account) -> None:
        """End the account for ever."""
        await drive(accounts.deactivate(account), self._transport, self._clock)

    async def roll_over(self, account: Account, new_key: AccountKey) -> Account:
        """Give the account another key, which is stored before; after a crash it is just called again."""
        flow = accounts.roll_over(await self._transport.directory(), account, new_key)
        return await drive(flow, self._transport, self._clock)

    async def revoke(self, signer: Signer, certificate: bytes, reason: RevocationReason) -> bool:
        """Revoke a certificate, in DER; false when it was revoked already.

        `account.signer` signs for the account that ordered it, `Signer(key, None)` for its own key.
        """
        flow = accounts.revoke(await self._transport.directory(), signer, certificate, reason)
        return await drive(flow, self._transport, self._clock)

    async def renewal_info(self, leaf: CertFacts) -> RenewalInfo | None:
        """Return when the CA suggests to renew; None when it says so of none, or not of this one."""
        flow = renewals.renewal_info(await self._transport.directory(), leaf)
        return await drive(flow, self._transport, self._clock)
