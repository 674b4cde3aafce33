"""The flags of `port443 serve`."""

from pathlib import PurePath

import pytest

from port443.core.names import Endpoint, HostName, IPName
from port443.core.plan.desired import Desired, DesiredSite, LocalIssuer, Upstream
from port443.settings.diagnostics import FlagsInvalid
from port443.settings.flags import ServeFlags, from_flags

DOMAIN = ("app.localhost",)
TO = ("http://127.0.0.1:9000",)


def test_two_flags_are_enough() -> None:
    """A name and a server are served on all addresses and the ports of the standard."""
    desired = from_flags(ServeFlags(DOMAIN, TO), cores=2)
    assert desired == Desired(
        https=(Endpoint("0.0.0.0", 443), Endpoint("::", 443)),  # noqa: S104 - nothing is bound
        http=(Endpoint("0.0.0.0", 80), Endpoint("::", 80)),  # noqa: S104 - nothing is bound
        sites=(
            DesiredSite(
                "app.localhost", (HostName("app.localhost"),), (Upstream("127.0.0.1", 9000),), LocalIssuer()
            ),
        ),
        workers=2,
    )


def test_every_flag_counts() -> None:
    """Ports, addresses, further names and servers, the issuer and the workers arrive."""
    desired = from_flags(
        ServeFlags(
            domains=("app.example.com", "127.0.0.1"),
            upstreams=("http://a", "http://b"),
            addresses=("127.0.0.1", "::1"),
            https_port=8443,
            http_port=8080,
            issuer="local",
            workers=5,
        )
    )
    assert desired.https == (Endpoint("127.0.0.1", 8443), Endpoint("::1", 8443))
    assert desired.http == (Endpoint("127.0.0.1", 8080), Endpoint("::1", 8080))
    assert desired.workers == 5
    (site,) = desired.sites
    assert site.names == (HostName("app.example.com"), IPName("127.0.0.1"))
    assert site.upstreams == (Upstream("a", 80), Upstream("b", 80))
    assert site.certificate == LocalIssuer(unconstrained=True)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (ServeFlags(), "--domain and --to, are needed"),
        (ServeFlags(DOMAIN), "a settings file, or --domain and --to"),
        (ServeFlags(("a_b.test",), TO), "--domain: .*underscore"),
        (ServeFlags(("a.test", "A.test"), TO), "--domain: duplicate name"),
        (ServeFlags(("a.org",), TO), "--domain: .*certificate"),
        (ServeFlags(DOMAIN, ("https://a",)), "--to: .*plain http"),
        (ServeFlags(DOMAIN, TO, addresses=("eth0",)), "--bind: "),
        (ServeFlags(DOMAIN, TO, https_port=8443, http_port=8443), "--http-port: .*two listeners"),
        (ServeFlags(DOMAIN, TO, issuer="acme"), "--issuer: "),
        (ServeFlags(DOMAIN, TO, workers=9999), "--workers: "),
        (ServeFlags(("a_b.test",), ("https://a",)), "--domain: .*; --to: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_flag_is_named(flags: ServeFlags, said: str) -> None:
    """Whoever types sees which flag is wrong, and all of them at once."""
    with pytest.raises(FlagsInvalid, match=said) as caught:
        from_flags(flags)
    assert caught.value.code == "P443-E103"


def test_flags_and_a_file_do_not_mix() -> None:
    """A flag beside a file is refused, since one of the two would be ignored."""
    ServeFlags().refuse_beside_file(PurePath("port443.yaml"))
    with pytest.raises(FlagsInvalid, match="--domain, --https-port cannot be used with a settings file"):
        ServeFlags(DOMAIN, https_port=8443).refuse_beside_file(PurePath("port443.yaml"))
