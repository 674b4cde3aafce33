"""Scan many configurations, and ask each for every suite, group and version one by one: is it the same?"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from prove.matrix import SERVERS, Missing, Server, openssl
from scan_oracle import disagreements, truth_of
from scanning import look
from tls_certs import Key, ec_key, rsa_key

TITLE = "Agreement with one hello for each suite, group and version"
HEAD = """Each server was scanned, and asked for every suite that is known in every version up to TLS 1.2,
for every suite and group of TLS 1.3 and for every curve of ECDHE, in a hello of its own.

| server | suites | groups of TLS 1.3 | groups up to TLS 1.2 | the scan |
|---|---|---|---|---|
"""
ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
KEYS: dict[str, Callable[[], Key]] = {"RSA": rsa_key, "ECDSA": ec_key, "ECDSA P-384": lambda: ec_key(384)}
OPTIONS: dict[str, tuple[str, ...]] = {
    "all suites": ("-cipher", ALL),
    "all suites, own order": ("-cipher", ALL, "-serverpref"),
    "TLS 1.0": ("-tls1", "-cipher", ALL),
    "TLS 1.1": ("-tls1_1", "-cipher", ALL),
    "TLS 1.2": ("-tls1_2",),
    "TLS 1.3": ("-tls1_3",),
    "no TLS 1.3": ("-no_tls1_3", "-cipher", ALL),
    "P-384 and P-521": ("-groups", "P-384:P-521"),
    "X25519": ("-groups", "X25519:P-256:P-384"),
    "finite field groups": ("-tls1_3", "-groups", "ffdhe2048:ffdhe8192"),
    "CCM": ("-ciphersuites", "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"),
    "CBC": ("-tls1_2", "-cipher", "AES128-SHA:ECDHE+AES+SHA:ECDHE+AES+SHA256:@SECLEVEL=0"),
}


def configurations() -> Iterator[tuple[str, Server]]:
    """Name every server that is looked at."""
    yield from SERVERS.items()
    for (key, make), (what, options) in product(KEYS.items(), OPTIONS.items()):
        yield f"OpenSSL, {key}, {what}", openssl(make, *options)


def check_oracle() -> tuple[str, bool]:
    """Compare all; return the report's text and whether the scans saw everything."""
    rows, notes, is_good = [], [], True
    for name, server in configurations():
        sys.stderr.write(f"· asking {name} for everything\n")
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                endpoint = stack.enter_context(server(place))
            except Missing as missing:
                notes.append(f"- {name}: {missing}.\n")
                continue
            truth = truth_of(endpoint)
            found = disagreements(look(endpoint), truth)
        is_good = is_good and not found
        counts = (len(truth.suites), len(truth.groups_13), len(truth.groups_12))
        rows.append(f"| {name} | {' | '.join(map(str, counts))} | {'; '.join(found) or 'the same'} |\n")
    return HEAD + "".join(rows) + ("\n" if notes else "") + "".join(notes), is_good
