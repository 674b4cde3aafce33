"""What the bench of scanners measures by: a relay that counts and delays, and figures of child processes."""

import socket
import sys
import threading
import time

import scanners


def echo() -> tuple[socket.socket, threading.Thread]:
    """Answer every connection with what it says, until the listener is closed."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                opened, _ = listener.accept()
            except OSError:
                return
            with opened:
                opened.sendall(opened.recv(100))

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


def test_the_relay_counts_and_delays() -> None:
    """Three connections, each later by two ways there and back."""
    listener, thread = echo()
    try:
        with scanners.relay(listener.getsockname()[1], 0.02) as counted:
            began = time.perf_counter()
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", counted.port)) as opened:
                    opened.sendall(b"ping")
                    assert opened.recv(4) == b"ping"
            assert time.perf_counter() - began >= 3 * 0.08
        assert counted.connections == 3
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_the_figures_are_those_of_the_program() -> None:
    """Its processor time counts, and what it waits for does not."""
    busy = scanners.Tool("busy", (sys.executable, "-c", "sum(i for i in range(3_000_000))"))
    found = scanners.measure(busy, 1, 1)
    assert 0.01 < found.cpu_s
    assert found.connections is None


def test_a_program_that_is_missing_is_named() -> None:
    """The table says so, and goes on."""
    row = scanners._row(scanners.Tool("none", ("no-such-program", "{port}")), 1, 1)
    assert row == "| none | not installed | | | |"
