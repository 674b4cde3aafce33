"""Ports for tests, below those that the system gives to outgoing connections, which come and go."""

import random
import socket

FIRST, LAST = 20_000, 32_000
TRIES = 100


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that nobody has."""
    # Not the plain generator: each test seeds it alike, and those that run at once would choose alike.
    for port in random.SystemRandom().sample(range(FIRST, LAST), TRIES):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError(f"{host} has no free port")
