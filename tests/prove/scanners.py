"""Run a scanner and read, in one form for all, what it saw."""

import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from port443.core.names import Endpoint
from port443.core.wire.suites import suite

NAME = "localhost"
DEADLINE_S = 300
GROUP_NAMES = {"prime256v1": "secp256r1", "curve25519": "x25519"}
TESTSSL_VERSIONS = {
    "SSLv2": "SSL 2.0", "SSLv3": "SSL 3.0",
    "TLS1": "TLS 1.0", "TLS1_1": "TLS 1.1", "TLS1_2": "TLS 1.2", "TLS1_3": "TLS 1.3",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scanner says of a server, as words that compare."""

    protocols: frozenset[str]
    suites: frozenset[str]
    """`TLS 1.2 TLS_…`."""
    groups: frozenset[str]
    certificates: frozenset[str]
    """`RSA 2048 localhost until 2027-01-01`."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """Another scanner."""

    name: str
    program: str
    look: Callable[[Endpoint], Seen]

    @property
    def version(self) -> str | None:
        """What it calls itself; None when it is not installed."""
        if shutil.which(self.program) is None:
            return None
        said = _run(self.program, "--version")
        found = re.search(r"(\d+\.\d+(\.\d+)?)", re.sub(r"\x1b\[[0-9;]*m", "", said))
        return found[1] if found else "of an unknown version"


def by_port443(endpoint: Endpoint) -> Seen:
    """Scan with the command of this tree."""
    said = _run(sys.executable, "-m", "port443", "scan", f"{NAME}:{endpoint.port}",
                "--connect", str(endpoint), "--format", "json")  # fmt: skip
    report = json.loads(said)["targets"][0]["report"]
    offered = [one for one in report["protocols"] if one["offered"] == "yes"]
    groups = (*report["groups"]["tls_1_3"]["names"], *report["groups"]["tls_1_2"]["names"])
    leaves = [chain["certificates"][0] for chain in report["chains"]]
    return Seen(
        frozenset(one["version"] for one in offered),
        frozenset(f"{one['version']} {s['name']}" for one in offered for s in one["suites"]),
        _groups(groups),
        frozenset(_certificate(_our_key(one["key"]), one["names"], one["not_after"][:10]) for one in leaves),
    )


def _our_key(key: str) -> str:
    kind, size = key.split()
    return f"EC {size.removeprefix('P-')}" if kind == "ECDSA" else key


def by_sslscan(endpoint: Endpoint) -> Seen:
    """Read sslscan's XML."""
    tree = ET.fromstring(_run("sslscan", "--xml=-", "--no-colour", f"--sni-name={NAME}", str(endpoint)))  # noqa: S314 - of a program that was started here
    protocols = (f"{p.get('type', '').upper()} {p.get('version')}" for p in tree.iter("protocol")
                 if p.get("enabled") == "1")  # fmt: skip
    suites = (f"{c.get('sslversion', '').replace('v', ' ')} {suite(int(c.get('id', '0'), 16)).name}"
              for c in tree.iter("cipher"))  # fmt: skip
    return Seen(
        frozenset(one.replace("SSL 2", "SSL 2.0").replace("SSL 3", "SSL 3.0") for one in protocols),
        frozenset(suites),
        _groups(group.get("name", "").split()[0] for group in tree.iter("group")),
        frozenset(_sslscan_certificate(one) for one in tree.iter("certificate")),
    )


def _sslscan_certificate(one: ET.Element) -> str:
    key = one.find("pk")
    kind = "" if key is None else key.get("type", "")
    # Of a curve it says the strength, not the size.
    bits = 0 if key is None else int(key.get("bits", "0")) * (2 if kind == "EC" else 1)
    names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", one.findtext("altnames") or "")
    end = datetime.strptime(one.findtext("not-valid-after") or "", "%b %d %H:%M:%S %Y %Z")  # noqa: DTZ007
    return _certificate(f"{kind} {bits}", names, f"{end:%Y-%m-%d}")


def by_testssl(endpoint: Endpoint) -> Seen:
    """Read the flat JSON of testssl.sh."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "found.json"
        _run("testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "none",
             "--ip", endpoint.address, "-p", "-E", "-f", "-S",
             "--jsonfile", str(path), f"{NAME}:{endpoint.port}")  # fmt: skip
        found = {one["id"]: one["finding"] for one in json.loads(path.read_text())}
    ciphers = (re.fullmatch(r"cipher-(ssl\w+|tls\d_\d|tls1)_x(\w+)", key) for key in found)
    return Seen(
        frozenset(label for key, label in TESTSSL_VERSIONS.items()
                  if found.get(key, "").startswith("offered")),
        frozenset(_testssl_suite(match[1], match[2]) for match in ciphers if match),
        _groups(name for key in found if re.fullmatch(r"P?FS_(ECDHE_curves|KEMs)|DH_groups", key)
                for name in found[key].split() if key != "DH_groups" or name.startswith("ffdhe")),
        frozenset(_testssl_certificates(found)),
    )  # fmt: skip


def _testssl_suite(version: str, code: str) -> str:
    labels = {"sslv2": "SSL 2.0", "sslv3": "SSL 3.0", "tls1": "TLS 1.0"}
    label = labels.get(version, version.replace("tls", "TLS ").replace("_", "."))
    return f"{label} {suite(int(code, 16)).name}"


def _testssl_certificates(found: dict[str, str]) -> Iterable[str]:
    for key, size in found.items():
        if not key.startswith("cert_keySize"):
            continue
        which = key.removeprefix("cert_keySize")
        names = found.get(f"cert_subjectAltName{which}", "").split()
        bits = size.removesuffix(" bits").split(" (")[0]
        yield _certificate(bits.replace(" bits", ""), names, found.get(f"cert_notAfter{which}", "")[:10])


def _certificate(key: str, names: Iterable[str], end: str) -> str:
    return f"{key} {' '.join(sorted(names))} until {end}"


def _groups(names: Iterable[str]) -> frozenset[str]:
    low = (name.lower() for name in names)
    return frozenset(GROUP_NAMES.get(name, name) for name in low)


@functools.cache
def _path(program: str) -> str:
    return shutil.which(program) or program


def _run(program: str, *args: str) -> str:
    done = subprocess.run(
        (_path(program), *args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    return done.stdout


SCANNERS = (Scanner("sslscan", "sslscan", by_sslscan), Scanner("testssl.sh", "testssl", by_testssl))
