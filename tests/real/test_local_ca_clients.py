"""The local CA's certificates, judged by other people's verifiers."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from port443.core.names import HostName, SiteName, parse_site_name
from port443.core.x509.local_ca import Authority, LeafOrder, make_root, sign_leaf
from port443.core.x509.pem import certificate_pem
from reserved import reserved_names

PROGRAMS = Path(__file__).parents[1] / "helpers" / "verifiers"
BELIEVED = "believed"
NOW = datetime.now(UTC)  # noqa: TID251 - the verifiers' clock is the machine's
ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
NARROW = Authority(make_root(ROOT_KEY, NOW, constrained=True), ROOT_KEY)
WIDE = Authority(make_root(ROOT_KEY, NOW, constrained=False), ROOT_KEY)
# What a thief of the constrained root's key could sign: our own refusal is out of the way.
STOLEN = Authority(
    replace(NARROW.root, extensions=replace(NARROW.root.extensions, name_constraints=None)), ROOT_KEY
)
DEMO = ("demo.localhost", "localhost", "127.0.0.1", "::1")
PRIVATE = ("nas.home.arpa", "*.svc.internal", "10.1.2.3", "192.168.7.7", "172.31.0.1", "fd00::1", "fe80::1")
Verifier = Callable[[Path, Path, tuple[SiteName, ...]], str]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=55, check=False
    )
    return BELIEVED if done.returncode == 0 else done.stdout + done.stderr


def host_meant(name: SiteName) -> str:
    """Return a host that a client would ask for to be shown `name`."""
    return name.text.replace("*", "host", 1)


def openssl(root: Path, chain: Path, names: tuple[SiteName, ...]) -> str:
    """Judge by OpenSSL's strict rules, once for each name; the first refusal counts."""
    verify = (tool("openssl"), "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root)
    for name in names:
        asked = ["-verify_ip", name.text]
        if isinstance(name, HostName):
            # OpenSSL matches no wildcard that stands right below a top-level domain.
            too_wide = name.is_wildcard and name.text.count(".") == 1
            asked = [] if too_wide else ["-verify_hostname", host_meant(name)]
        if (verdict := run(*verify, *asked, chain)) != BELIEVED:
            return verdict
    return BELIEVED


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """Build the verifier that stands on Go's crypto/x509."""
    program = tmp_path_factory.mktemp("go") / "verify"
    built = subprocess.run(
        [tool("go"), "build", "-o", program, PROGRAMS / "verify.go"],
        env=os.environ | {"GOFLAGS": "-mod=mod", "GO111MODULE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr

    def verify(root: Path, chain: Path, names: tuple[SiteName, ...]) -> str:
        return run(program, root, chain, *(host_meant(name) for name in names))

    return verify


@pytest.fixture
def java() -> Verifier:
    """Judge by Java's PKIX validator; names are not its business."""
    tool("javac")

    def verify(root: Path, chain: Path, names: tuple[SiteName, ...]) -> str:
        del names
        return run(tool("java"), "-XX:TieredStopAtLevel=1", PROGRAMS / "Verify.java", root, chain)

    return verify


@pytest.fixture
def openssl_strict() -> Verifier:
    tool("openssl")
    return openssl


def verdict(verify: Verifier, by: Authority, *wanted: SiteName) -> str:
    """Sign a leaf for `wanted` and have it judged."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    leaf = sign_leaf(by, LeafOrder(wanted, key, NOW))
    with TemporaryDirectory() as folder:
        root, chain = Path(folder, "root.pem"), Path(folder, "chain.pem")
        root.write_bytes(certificate_pem([by.root.der]))
        chain.write_bytes(certificate_pem([leaf.der]))
        return verify(root, chain, wanted)


def names(*texts: str) -> tuple[SiteName, ...]:
    return tuple(parse_site_name(text) for text in texts)


@pytest.mark.slow
@pytest.mark.parametrize("client", ["openssl_strict", "go", "java"])
def test_clients_believe_reserved_names(client: str, request: pytest.FixtureRequest) -> None:
    """Hosts, wildcards and private addresses are believed through the constrained root."""
    verify: Verifier = request.getfixturevalue(client)
    for wanted in (names(*DEMO), names(*PRIVATE), names("127.0.0.1"), names("x" * 40 + ".test")):
        assert verdict(verify, NARROW, *wanted) == BELIEVED


@pytest.mark.slow
@pytest.mark.parametrize("client", ["openssl_strict", "go"])  # Java asks no anchor for its constraints
def test_clients_hold_the_root_to_its_constraints(client: str, request: pytest.FixtureRequest) -> None:
    """A stolen key of the constrained root opens no other site: each client refuses."""
    verify: Verifier = request.getfixturevalue(client)
    for wanted in (names("shop.example"), names("8.8.8.8"), names("2001:db8::1")):
        assert verdict(verify, STOLEN, *wanted) != BELIEVED
        assert verdict(verify, WIDE, *wanted) == BELIEVED


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(reserved_names(), min_size=1, max_size=3, unique=True))
def test_openssl_believes_whatever_is_reserved(wanted: list[SiteName]) -> None:
    """OpenSSL's strict verifier takes the chain for every name of every drawn set."""
    assert verdict(openssl, NARROW, *wanted) == BELIEVED
