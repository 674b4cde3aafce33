"""Which names an issuer's name constraints leave it (RFC 5280 §4.2.1.10), of every kind that has a rule."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from port443.core.names import HostName, SiteName
from port443.core.x509.directory_name import EMAIL, DirectoryName
from port443.core.x509.extensions import (
    DIRECTORY_NAME,
    DNS_NAME,
    IP_ADDRESS,
    RFC822_NAME,
    URI,
    GeneralName,
    NameConstraints,
    network,
)
from port443.core.x509.facts import CertFacts

# RFC 3986 §3: scheme, "//", perhaps a user, the host, perhaps a port.
AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#@:\[\]]+)(?::[0-9]*)?(?:[/?#]|$)")


def names_refused(names: Iterable[SiteName], constraints: NameConstraints) -> tuple[SiteName, ...]:
    """Return those of `names` that an issuer with `constraints` may not certify."""
    return tuple(name for name in names if _is_refused(_general(name), constraints))


def certified_wrongly(certificate: CertFacts, constraints: NameConstraints) -> tuple[str, ...]:
    """Return every name in a certificate, of any kind, that an issuer with `constraints` may not certify."""
    return tuple(str(name) for name in _names_of(certificate) if _is_refused(name, constraints))


def _names_of(certificate: CertFacts) -> Iterator[GeneralName]:
    subject = certificate.subject_name
    if subject.parts:
        yield GeneralName(DIRECTORY_NAME, certificate.subject_der)
    alternatives = certificate.extensions.alt_names.general
    yield from alternatives
    if not any(name.kind == RFC822_NAME for name in alternatives):
        yield from (GeneralName(RFC822_NAME, mail.encode()) for mail in subject.values(EMAIL))


def _general(name: SiteName) -> GeneralName:
    if isinstance(name, HostName):
        return GeneralName(DNS_NAME, name.text.encode())
    return GeneralName(IP_ADDRESS, ipaddress.ip_address(name.text).packed)


def _is_refused(name: GeneralName, constraints: NameConstraints) -> bool:
    permitted = [base for base in constraints.permitted if base.kind == name.kind]
    excluded = [base for base in constraints.excluded if base.kind == name.kind]
    if (permitted or excluded) and name.kind not in RULES:
        return True  # RFC 5280 §4.2.1.10: process the constraint or reject the certificate
    try:
        outside = bool(permitted) and not any(RULES[name.kind](name, base) for base in permitted)
        return outside or any(RULES[name.kind](name, base) or _may_stand_for(name, base) for base in excluded)
    except ValueError:
        return True  # a name that cannot be read cannot be seen to lie inside, or outside


def _in_domain(name: GeneralName, base: GeneralName) -> bool:
    text, domain = name.text.lower().removeprefix("*."), base.text.lower()
    # With a leading dot the domain itself is left out: not in RFC 5280, but what clients do.
    if domain.startswith("."):
        return text.endswith(domain)
    return not domain or text == domain or text.endswith("." + domain)


def _may_stand_for(name: GeneralName, base: GeneralName) -> bool:
    """Whether a wildcard also matches names of an excluded domain below it."""
    if name.kind != DNS_NAME or not name.content.startswith(b"*."):
        return False
    parent, domain = name.text.lower().removeprefix("*."), base.text.lower().removeprefix(".")
    return domain == parent or domain.endswith("." + parent)


def _in_network(name: GeneralName, base: GeneralName) -> bool:
    return ipaddress.ip_address(name.content) in network(base.content)


def _in_mailboxes(name: GeneralName, base: GeneralName) -> bool:
    box, _, host = name.text.rpartition("@")
    wanted = base.text
    if not box:
        raise ValueError("no mailbox")
    if "@" in wanted:
        own, _, place = wanted.rpartition("@")
        return (own, place.lower()) == (box, host.lower())
    return _on_host(host, wanted)


def _in_places(name: GeneralName, base: GeneralName) -> bool:
    found = AUTHORITY.match(name.text)
    if not found or found[1].replace(".", "").isdigit():
        raise ValueError("no host name in it")  # RFC 5280 §4.2.1.10: then the certificate is rejected
    return _on_host(found[1], base.text)


def _on_host(host: str, wanted: str) -> bool:
    """Match one host, or with a leading dot any below it; here a bare domain does not match those."""
    if wanted.startswith("."):
        return host.lower().endswith(wanted.lower())
    return not wanted or host.lower() == wanted.lower()


def _in_directory(name: GeneralName, base: GeneralName) -> bool:
    wanted = DirectoryName.read(base.content).key
    return DirectoryName.read(name.content).key[: len(wanted)] == wanted


RULES = {
    DNS_NAME: _in_domain,
    IP_ADDRESS: _in_network,
    RFC822_NAME: _in_mailboxes,
    URI: _in_places,
    DIRECTORY_NAME: _in_directory,
}
