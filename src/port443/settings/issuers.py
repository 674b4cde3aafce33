"""Where sites' certificates come from: the issuers of the settings, and what speaks against them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from port443.core.names import HostName, SiteName
from port443.core.plan.desired import (
    AcmeCA,
    AcmeCertificate,
    CertificateOrigin,
    ExternalAccountFile,
    LocalIssuer,
    OwnCertificate,
)
from port443.core.renew.known_cas import BY_DIRECTORY, BY_NAME, KNOWN_CAS, KnownCA
from port443.settings import error_kinds
from port443.settings.problems import Path, Problem, suggestion
from port443.settings.schema import LOCAL, AccountForm, IssuerForm, IssuerWritten, SettingsFile, SiteForm

AGREE = "read its terms, and add `account: {email: you@example.com, agree_tos: true}`"


@dataclass(frozen=True, slots=True)
class Issuers:
    """The issuers that a settings file names, and how others are found."""

    listed: tuple[AcmeCA, ...]
    account: AccountForm
    directory: PurePath
    """Where relative paths start."""
    answers_http: bool
    """Whether a plain port is listened on."""

    @classmethod
    def of(cls, written: SettingsFile, directory: PurePath) -> "Issuers":
        """Return the issuers of a settings file."""
        listed = tuple(_ca(one, written.account, directory) for one in written.issuers)
        return cls(listed, written.account, directory, bool(written.listen.http))

    def origin(self, names: Sequence[SiteName], form: SiteForm) -> CertificateOrigin:
        """Return where a site's certificate comes from; there is no problem with it."""
        if form.certificate:
            chain, key = form.certificate.chain, form.certificate.key
            return OwnCertificate(self.directory / chain, self.directory / key)
        cas = self.cas(names, form)
        if cas:
            return AcmeCertificate(cas, self.answers_http)
        return LocalIssuer(unconstrained=not all(name.is_reserved for name in names))

    def cas(self, names: Sequence[SiteName], form: SiteForm) -> tuple[AcmeCA, ...]:
        """Return the CAs that a site's certificate is ordered from; none: from no CA."""
        if form.certificate:
            return ()
        if form.issuer is not None:
            found = (self._named(word) for word in _words(form))
            return tuple(ca for ca in found if ca)
        return self.listed if any(name.is_public for name in names) else ()

    def _named(self, word: str) -> AcmeCA | None:
        for ca in self.listed:
            if word in (ca.name, ca.directory):
                return ca
        return _ca(word, self.account, self.directory) if word in BY_NAME or "://" in word else None

    def problems(self, written: SettingsFile, sites: Sequence[SiteForm]) -> Iterator[Problem]:
        """Return what speaks against the issuers, and against what sites ask of them."""
        seen: dict[str, int] = {}
        for index, ca in enumerate(self.listed):
            path: Path = ("issuers", index)
            if ca.directory in seen:
                earlier: Path = ("issuers", seen[ca.directory])
                text = f"`{ca.name}` is in the list twice"
                yield Problem(error_kinds.ISSUER_DUPLICATE, path, text, earlier=earlier)
                continue
            seen[ca.directory] = index
            yield from _ca_problems(path, ca)
        for key, form in zip(written.sites, sites, strict=True):
            yield from self._site_problems(key, form)

    def _site_problems(self, key: str, form: SiteForm) -> Iterator[Problem]:
        path: Path = ("sites", key)
        if form.issuer is not None:
            yield from self._word_problems((*path, "issuer"), form)
        names = form.names(key)
        cas = self.cas(names, form)
        if not cas:
            return
        yield from _name_problems(path, names, cas)
        known = [BY_DIRECTORY.get(ca.directory) for ca in cas]
        reasons = [one.why_not(names) if one else None for one in known]
        if all(reasons):
            hint = "give the site other issuers, or fewer names"
            yield Problem(error_kinds.ISSUER_UNABLE, path, str(reasons[0]), hint, at_key=True)

    def _word_problems(self, path: Path, form: SiteForm) -> Iterator[Problem]:
        words = _words(form)
        if LOCAL in words and len(words) > 1:
            text = "`local` is the only issuer of a site, or none of them"
            yield Problem(error_kinds.ISSUER_CONFLICT, path, text, "write `issuer: local` alone")
        for index, word in enumerate(words):
            place: Path = (*path, index) if isinstance(form.issuer, list) else path
            ca = self._named(word)
            if ca is None and word != LOCAL:
                possible = [LOCAL, *(one.name for one in self.listed), *BY_NAME]
                hint = suggestion(word, possible) or f"possible: {', '.join(dict.fromkeys(possible))}"
                yield Problem(error_kinds.ISSUER_UNKNOWN, place, f"there is no issuer `{word}`", hint)
            elif ca and ca not in self.listed:
                yield from _ca_problems(place, ca)


def _words(form: SiteForm) -> list[str]:
    if form.issuer is None:
        return []
    return form.issuer if isinstance(form.issuer, list) else [form.issuer]


def _ca(written: IssuerWritten, account: AccountForm, directory: PurePath) -> AcmeCA:
    if isinstance(written, str):
        is_url = "://" in written
        written = IssuerForm(name=None if is_url else written, directory=written if is_url else None)
    known = _known(written)
    url = written.directory or (known.directory if known else "")
    eab = written.eab
    return AcmeCA(
        name=written.name or (known.name if known else urlsplit(url).netloc),
        directory=url,
        email=written.email or account.email or "",
        agree_tos=written.agree_tos or account.agree_tos,
        trust=directory / written.trust if written.trust else None,
        eab=ExternalAccountFile(eab.key_id, directory / eab.key_file) if eab else None,
        profile=written.profile,
    )


def _known(written: IssuerForm) -> KnownCA | None:
    if written.directory:
        return BY_DIRECTORY.get(written.directory)
    return BY_NAME.get(written.name or "")


def _ca_problems(path: Path, ca: AcmeCA) -> Iterator[Problem]:
    if not ca.directory:
        possible = ", ".join(known.name for known in KNOWN_CAS)
        text = f"`{ca.name}` is no CA that is known by its name" if ca.name else "the issuer has no directory"
        hint = suggestion(ca.name, list(BY_NAME)) or f"add `directory: URL`; known names: {possible}"
        yield Problem(error_kinds.ISSUER_UNKNOWN, path, text, hint)
        return
    known = BY_DIRECTORY.get(ca.directory)
    if known and not ca.agree_tos:
        text = f"{known.title} issues only to those who agree to its terms of service"
        yield Problem(error_kinds.AGREEMENT_MISSING, path, text, AGREE)
    if known and known.needs_eab and ca.eab is None:
        text = f"{known.title} binds accounts to a customer's, and the issuer has no `eab`"
        hint = f"write {{name: {known.name}, eab: {{key_id: ID, key_file: FILE}}}}, with what it shows you"
        yield Problem(error_kinds.EAB_MISSING, path, text, hint)


def _name_problems(path: Path, names: Sequence[SiteName], cas: Sequence[AcmeCA]) -> Iterator[Problem]:
    are_public = all(ca.directory in BY_DIRECTORY or not ca.directory for ca in cas)
    for index, name in enumerate(names):
        place: Path = (*path, "aliases", index - 1) if index else path
        if isinstance(name, HostName) and name.is_wildcard:
            text = f"`{name}` cannot be ordered: CAs validate wildcards by DNS records alone"
            hint = "name the hosts one by one, or add `issuer: local`"
            yield Problem(error_kinds.WILDCARD_ISSUER, place, text, hint, at_key=not index)
        elif are_public and not name.is_public:
            text = f"`{name}` is certified by no public CA"
            hint = "move it to a site of its own, which the local CA certifies by itself"
            yield Problem(error_kinds.NAME_NOT_PUBLIC, place, text, hint, at_key=not index)
