"""Issuers of a settings file and of flags: which CAs a site's certificate is ordered from."""

from pathlib import PurePath

import pytest

from port443.core.plan.desired import (
    AcmeCA,
    AcmeCertificate,
    CertificateOrigin,
    Desired,
    ExternalAccountFile,
    LocalIssuer,
)
from port443.core.renew.known_cas import BY_NAME, KNOWN_CAS
from port443.settings.diagnostics import FlagsInvalid
from port443.settings.flags import ServeFlags, from_flags
from port443.settings.load import parse
from port443.settings.show import lines

LETSENCRYPT = AcmeCA("letsencrypt", BY_NAME["letsencrypt"].directory, "ops@example.com", agree_tos=True)
CORP = AcmeCA(
    "corp", "https://ca.internal/acme/directory", "pki@example.com", trust=PurePath("/etc/p443/root.pem")
)
ZEROSSL = AcmeCA(
    "zerossl",
    BY_NAME["zerossl"].directory,
    "ops@example.com",
    agree_tos=True,
    eab=ExternalAccountFile("kid-1", PurePath("/etc/p443/zerossl.key")),
    profile="tlsserver",
)
TEXT = """
account: {email: ops@example.com, agree_tos: true}
issuers:
  - letsencrypt
  - {name: corp, directory: "https://ca.internal/acme/directory", trust: root.pem, email: pki@example.com}
  - {name: zerossl, eab: {key_id: kid-1, key_file: zerossl.key}, profile: tlsserver}
sites:
  a.example.com: http://127.0.0.1:9000
  b.example.com: {to: http://127.0.0.1:9000, issuer: corp}
  c.example.com: {to: http://127.0.0.1:9000, issuer: ["https://ca.internal/acme/directory", zerossl]}
  d.example.com: {to: http://127.0.0.1:9000, issuer: letsencrypt-staging}
  e.example.com: {to: http://127.0.0.1:9000, issuer: local}
  f.test: http://127.0.0.1:9000
  intranet: http://127.0.0.1:9000
  g.internal: {to: http://127.0.0.1:9000, issuer: corp}
  192.0.2.7: {to: http://127.0.0.1:9000, issuer: letsencrypt}
"""


def read(text: str) -> Desired:
    return parse(text, directory=PurePath("/etc/p443"))


def cas(origin: CertificateOrigin) -> tuple[AcmeCA, ...]:
    assert isinstance(origin, AcmeCertificate)
    return origin.cas


def test_a_site_has_all_issuers_or_those_that_it_names() -> None:
    """In the order of the list, or its own; names of nobody use the local CA by themselves."""
    origins = {site.id: site.certificate for site in read(TEXT).sites}
    corp = AcmeCA(
        CORP.name, CORP.directory, CORP.email, agree_tos=True, trust=CORP.trust
    )  # as `account` says
    assert cas(origins["a.example.com"]) == (LETSENCRYPT, corp, ZEROSSL)
    assert cas(origins["b.example.com"]) == (corp,)
    assert cas(origins["c.example.com"]) == (corp, ZEROSSL)
    (staging,) = cas(origins["d.example.com"])
    assert (staging.name, staging.email) == ("letsencrypt-staging", "ops@example.com")
    assert origins["e.example.com"] == LocalIssuer(unconstrained=True)
    assert origins["f.test"] == LocalIssuer()
    assert origins["intranet"] == LocalIssuer(unconstrained=True)
    assert cas(origins["g.internal"]) == (corp,)
    assert cas(origins["192.0.2.7"]) == (LETSENCRYPT,)


def test_what_is_shown_means_the_same() -> None:
    desired = read(TEXT)
    again = read("\n".join(line for _, line in lines(desired)))
    assert again.sites == desired.sites


def test_http_is_answered_where_it_is_listened_for() -> None:
    with_http = read(TEXT).sites[0].certificate
    without = read("listen: {http: []}\n" + TEXT).sites[0].certificate
    assert isinstance(with_http, AcmeCertificate)
    assert isinstance(without, AcmeCertificate)
    assert (with_http.answers_http, without.answers_http) == (True, False)


@pytest.mark.parametrize("ca", KNOWN_CAS, ids=lambda ca: ca.name)
def test_every_known_ca_can_be_named(ca: object) -> None:
    name = getattr(ca, "name")  # noqa: B009
    site = read(
        f"issuers: [{{name: {name}, agree_tos: true, eab: {{key_id: a, key_file: b}}}}]\n"
        "sites: {a.example.com: http://127.0.0.1:9000}"
    ).sites[0]
    assert [one.name for one in cas(site.certificate)] == [name]


FLAGS = {"domains": ("app.example.com",), "upstreams": ("http://127.0.0.1:9000",)}


def test_flags_name_one_issuer() -> None:
    site = from_flags(
        ServeFlags(
            **FLAGS,  # type: ignore[arg-type]
            issuer="https://ca.internal:9000/acme",
            email="ops@example.com",
            agree_tos=True,
            cacert="/etc/p443/root.pem",
            eab_key_id="kid-1",
            eab_key_file="/etc/p443/eab.key",
        )
    ).sites[0]
    eab = ExternalAccountFile("kid-1", PurePath("/etc/p443/eab.key"))
    trust = PurePath("/etc/p443/root.pem")
    (ca,) = cas(site.certificate)
    assert ca == AcmeCA(
        "ca.internal:9000",
        "https://ca.internal:9000/acme",
        "ops@example.com",
        agree_tos=True,
        trust=trust,
        eab=eab,
    )


@pytest.mark.parametrize(
    ("flags", "said", "hint"),
    [
        ({"issuer": "letsencrypt"}, "--issuer: Let's Encrypt issues only", "--agree-tos"),
        ({"issuer": "zerossl", "agree_tos": True}, "--issuer: ZeroSSL binds", "--eab-key-id ID"),
        ({"issuer": "letsencript"}, "--issuer: `letsencript` is no CA", "letsencrypt"),
        ({"issuer": "http://ca.internal"}, "--issuer: `http://ca.internal` is not https", "https://"),
        ({"issuer": "local", "email": "a@example.com"}, "--email without --issuer", "--issuer"),
        ({"email": "a@example.com", "agree_tos": True}, "--email, --agree-tos without --issuer", "--issuer"),
        ({"issuer": "letsencrypt", "agree_tos": True, "email": "a"}, "--email: `a` is not", "ops@"),
        ({}, "--domain: ", "--issuer letsencrypt --email you@example.com --agree-tos"),
    ],
)
def test_a_wrong_flag_of_an_issuer_is_named(flags: dict[str, object], said: str, hint: str) -> None:
    """With what to write on the command line, not in a file."""
    with pytest.raises(FlagsInvalid) as error:
        from_flags(ServeFlags(**FLAGS, **flags))  # type: ignore[arg-type]
    assert said in error.value.message
    assert hint in error.value.hint
