"""Our accounts at CAs: registered when they are first needed, their keys kept before a CA sees them."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from pathlib import PurePath

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from port443.app.acme_account import AccountCalls
from port443.core.acme.account import Account, ExternalAccount, Registration
from port443.core.acme.jws import mac_key_from
from port443.core.errors import CertificateError
from port443.core.plan.desired import AcmeCA, ExternalAccountFile
from port443.core.renew.known_cas import BY_DIRECTORY
from port443.core.renew.ledger import Demand, Ledger
from port443.core.renew.records import AcmeAccount, Spent
from port443.core.x509.contents import recognise
from port443.core.x509.keys import pkcs8, read_pkcs8
from port443.core.x509.pem import certificates_in
from port443.ports import AcmeTransport, CertificateFiles, Clock, OrderMemory

NEW_ACCOUNT = Demand("account", "", "new accounts from one address")


class TrustFileEmpty(CertificateError):
    """The file named as `trust` of an issuer, or by `--cacert`, holds no certificate in PEM.

    It should hold the roots to believe when speaking to the CA's directory, as PEM text. For a public CA
    leave it out: the roots of the system are believed then.
    """

    code = "P443-E266"
    fault = "operator"


def read_trust(files: CertificateFiles, path: PurePath) -> tuple[bytes, ...]:
    """Return the roots in a file as DER; raises `CertificateError`."""
    content = files.read(path)
    found = certificates_in(content)
    if not found:
        what = recognise(content, path)
        raise TrustFileEmpty(f"{path} holds no certificate in PEM: it is {what.what}", what.hint)
    return found


def read_external(files: CertificateFiles, eab: ExternalAccountFile) -> ExternalAccount:
    """Read the MAC key of an external account binding; raises `CertificateError`."""
    content = files.read(eab.key_file)
    return ExternalAccount(eab.key_id, mac_key_from(content.decode("ascii", "replace").strip()))


class Accounts:
    """The accounts at all CAs; one for each CA and e-mail address."""

    def __init__(self, store: OrderMemory, clock: Clock, files: CertificateFiles) -> None:
        self._store = store
        self._clock = clock
        self._files = files
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def account(self, ca: AcmeCA, transport: AcmeTransport) -> Account:
        """Return the account to order with; it is registered when there is none for this customer."""
        async with self._turns[ca.directory]:  # two at once would register two
            kept = await self._store.account(ca.directory, ca.email)
            key_id = ca.eab.key_id if ca.eab else None
            if kept and kept.url and kept.eab_key_id == key_id:
                return _account(kept, kept.url)
            if kept is None or kept.eab_key_id != key_id:
                key = pkcs8(ec.generate_private_key(ec.SECP256R1()))
                kept = AcmeAccount(ca.directory, ca.email, None, key, key_id, self._clock.now())
                await self._store.keep_account(kept)
            return await self._registered(ca, kept, transport)

    async def known(self, ca: AcmeCA) -> Account | None:
        """Return the account, if the CA is known to have it."""
        kept = await self._store.account(ca.directory, ca.email)
        return _account(kept, kept.url) if kept and kept.url else None

    async def forget_url(self, ca: AcmeCA) -> None:
        """Register anew the next time, with the same key: the CA does not know the account any more."""
        kept = await self._store.account(ca.directory, ca.email)
        if kept:
            await self._store.keep_account(replace(kept, url=None))

    async def _registered(self, ca: AcmeCA, kept: AcmeAccount, transport: AcmeTransport) -> Account:
        known = BY_DIRECTORY.get(ca.directory)
        ledger = Ledger(ca.name, known.limits if known else (), await self._store.spent(ca.directory))
        if refusal := ledger.refusal([NEW_ACCOUNT], self._clock.now()):
            raise refusal
        registration = Registration(
            _key(kept),
            contact=(ca.email,) if ca.email else (),
            agree_tos=ca.agree_tos,
            external=await asyncio.to_thread(read_external, self._files, ca.eab) if ca.eab else None,
        )
        account = await AccountCalls(transport, self._clock).register(registration)
        await self._store.note_spent(ca.directory, [Spent("account", "", self._clock.now())])
        await self._store.keep_account(replace(kept, url=account.url))
        return account


def _account(kept: AcmeAccount, url: str) -> Account:
    return Account(url, _key(kept))


def _key(kept: AcmeAccount) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    key = read_pkcs8(kept.key_pkcs8, f"the account at {kept.directory}")
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError("no account is kept with another kind of key")
    return key
