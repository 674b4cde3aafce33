"""Ports and addresses of this machine's loopback."""

import socket
from collections.abc import Sequence

LOOPBACK = ("127.0.0.1", "::1")


def loopback_addresses() -> tuple[str, ...]:
    """Return the loopback addresses that this machine has."""
    return tuple(address for address in LOOPBACK if _binds(address, 0))


def has_ipv6() -> bool:
    """Whether the kernel supports IPv6, whether or not the machine has an address of it."""
    try:
        socket.socket(socket.AF_INET6).close()
    except OSError:
        return False
    return True


def free_port(preferred: int, addresses: Sequence[str]) -> int:
    """Return `preferred` when it is free on all addresses, else another port that is."""
    if all(_binds(address, preferred) for address in addresses):
        return preferred
    for _ in range(100):
        with socket.socket(_family(addresses[0])) as probe:
            probe.bind((addresses[0], 0))
            port: int = probe.getsockname()[1]
        if all(_binds(address, port) for address in addresses):
            return port
    raise OSError("no port is free on all loopback addresses")


def _binds(address: str, port: int) -> bool:
    try:
        with socket.socket(_family(address)) as probe:
            # Connections of an earlier run that still wait for their time-out do not hinder a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError:
        return False
    return True


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
