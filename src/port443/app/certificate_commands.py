"""What operators ask of certificates: to see them, to have one ordered now, to have one revoked."""

import difflib
from collections.abc import Sequence
from contextlib import aclosing

from port443.app.acme_account import AccountCalls
from port443.app.acme_attempt import Wanted
from port443.app.acme_issuer import AcmeIssuer, Standing, lineage_of
from port443.app.certificate_story import OrderHistory, Seen, certificate_document, certificates_document
from port443.app.need_jobs import certificate_job
from port443.app.preflight import Preflight
from port443.app.reconcile import RoundResult
from port443.app.scheduler import Scheduler
from port443.core.acme.account import RevocationReason
from port443.core.acme.flow import Signer
from port443.core.acme.jws import AccountKey
from port443.core.control.certificates import (
    CertificateDocument,
    CertificateOrdered,
    CertificateRevoked,
    CertificatesDocument,
    PreflightCheck,
    PreflightDocument,
    RevocationWord,
)
from port443.core.errors import CertificateError, ServeError
from port443.core.plan.desired import AcmeCertificate, DesiredSite
from port443.core.x509.keys import read_pkcs8
from port443.ports import Dial

REASONS: dict[RevocationWord, RevocationReason] = {
    "unspecified": RevocationReason.UNSPECIFIED,
    "key-compromise": RevocationReason.KEY_COMPROMISE,
    "superseded": RevocationReason.SUPERSEDED,
    "cessation": RevocationReason.CESSATION_OF_OPERATION,
}


class SiteUnknown(ServeError):
    """No site of the running settings has that name.

    `port443 cert list` names all sites. After a change of the settings: `port443 reload --wait`.
    """

    code = "P443-E426"
    fault = "operator"


class NotOrderedFromCA(ServeError):
    """The site's certificate does not come from an ACME CA, so it is neither ordered nor revoked there.

    The local CA renews its certificates by itself, and files of your own are yours to replace. Give the site
    an `issuer` for certificates that are ordered.
    """

    code = "P443-E427"
    fault = "operator"


class NothingToRevoke(CertificateError):
    """The site has no certificate of a CA of its settings that could be revoked.

    It has none yet, or its last one is from a CA that is no longer among its issuers.
    """

    code = "P443-E265"
    fault = "operator"


class CertificateCommands:
    """The verbs about certificates of a running `serve`."""

    def __init__(self, issuer: AcmeIssuer, scheduler: Scheduler, outward: Dial) -> None:
        self._issuer = issuer
        self._services = issuer.services
        self._scheduler = scheduler
        self._outward = outward

    async def list(self, round_: RoundResult) -> CertificatesDocument:
        """Return a line for each site, the one at the greatest risk first."""
        return certificates_document(await self._seen(round_, round_.desired.sites))

    async def show(self, round_: RoundResult, name: str) -> CertificateDocument:
        """Return the whole story of one certificate; raises `SiteUnknown`."""
        site = _site(round_, name)
        return certificate_document(site, await self._seen(round_, [site]))

    async def order(self, round_: RoundResult, name: str, *, anew: bool) -> CertificateOrdered:
        """Have a certificate ordered now, and return what came of it; `anew`: also beside a good one."""
        site = _ordered_site(round_, name)
        standing = await self._issuer.standing(site)
        is_due = standing is None or standing.renewal.at <= self._services.clock.now()
        if anew or is_due:
            self._issuer.order_now(site.id)
        record = await self._scheduler.finish(certificate_job(site.id))
        if record is None:
            raise SiteUnknown(f"{name} was taken out of the settings meanwhile", "port443 cert list")
        next_at = record.next_at.isoformat(timespec="seconds") if record.next_at else None
        hint = "" if record.code is None else f"port443 cert show {site.id}"
        is_new = record.code is None and (anew or is_due)
        return CertificateOrdered(
            "port443.cert.order/1", site.id, is_new, record.code, record.message, hint, next_at
        )

    async def preflight(self, round_: RoundResult, name: str) -> PreflightDocument:
        """Look at what an order depends on, and order nothing."""
        site = _ordered_site(round_, name)
        wanted = await self._issuer.wanted(site)
        checks = [check async for check in self._checks(round_).checks(wanted)]
        return PreflightDocument("port443.cert.preflight/1", site.id, wanted.ca.name, tuple(checks))

    async def preflight_failure(self, round_: RoundResult, wanted: Wanted) -> PreflightCheck | None:
        """Return the first thing that speaks against an order."""
        async with aclosing(self._checks(round_).checks(wanted)) as checks:
            async for check in checks:
                if check.verdict == "failed":
                    return check
        return None

    def _checks(self, round_: RoundResult) -> Preflight:
        return Preflight(self._services, self._outward, round_.desired.https)

    async def revoke(self, round_: RoundResult, name: str, word: RevocationWord) -> CertificateRevoked:
        """Have a certificate revoked, after another one was ordered in its place, if that can be had."""
        site = _ordered_site(round_, name)
        standing = await self._issuer.standing(site)
        if standing is None or standing.ca is None:
            raise NothingToRevoke(f"{site.id} has no certificate of its issuers", "port443 cert list")
        ordered = None if word == "cessation" else await self.order(round_, name, anew=True)
        was_before = not await self._revoked(standing, REASONS[word])
        return CertificateRevoked(
            schema="port443.cert.revoke/1",
            site=site.id,
            serial=f"{standing.leaf.serial:x}",
            was_revoked_before=was_before,
            ordered=ordered is not None and ordered.issued,
        )

    async def _revoked(self, standing: Standing, reason: RevocationReason) -> bool:
        if standing.ca is None:
            raise AssertionError("only what a CA of the settings gave is revoked")
        credential = standing.generation.credential
        key = read_pkcs8(credential.key_pkcs8, standing.generation.lineage)
        if not isinstance(key, AccountKey):
            raise TypeError("no certificate is ordered with a key that signs no request")
        calls = AccountCalls(self._services.transport(standing.ca), self._services.clock)
        # The certificate's own key may always revoke it, also when the account is gone.
        return await calls.revoke(Signer(key, None), credential.chain[0], reason)

    async def _seen(self, round_: RoundResult, sites: Sequence[DesiredSite]) -> Seen:
        histories = {
            site.id: await self._history(site)
            for site in sites
            if isinstance(site.certificate, AcmeCertificate)
        }
        return Seen(self._services.clock.now(), round_, self._scheduler.statuses(), histories)

    async def _history(self, site: DesiredSite) -> OrderHistory:
        lineage, store = lineage_of(site.id), self._services.store
        order = await store.open_order(lineage)
        return OrderHistory(await self._issuer.standing(site), await store.attempts(lineage), order)


def _site(round_: RoundResult, name: str) -> DesiredSite:
    by_name = {str(one): site for site in round_.desired.sites for one in (*site.names, site.id)}
    found = by_name.get(name.lower().removesuffix("."))
    if found is None:
        close = difflib.get_close_matches(name, list(by_name), n=1)
        hint = f"did you mean {close[0]}?" if close else "port443 cert list names all sites"
        raise SiteUnknown(f"no site has the name {name}", hint)
    return found


def _ordered_site(round_: RoundResult, name: str) -> DesiredSite:
    site = _site(round_, name)
    if not isinstance(site.certificate, AcmeCertificate):
        raise NotOrderedFromCA(
            f"the certificate of {site.id} is ordered from no CA",
            "port443 cert show tells where it comes from; an `issuer` in the settings has it ordered",
        )
    return site
