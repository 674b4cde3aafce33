"""An upstream server as a process of its own, to be killed and frozen: says its port, and serves."""

import os
import sys
import threading

from upstreams import Behaviour, Received, Visit, plain_response, running_upstream

SLOWLY_S = 1.0
BEGINNING = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"


def answer(visit: Visit, request: Received) -> None:
    """Behave as the path says."""
    FAULTS.get(request.path, properly)(visit, request)


def properly(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(request.path.encode()))


def half(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(BEGINNING, b"a")


def middle(visit: Visit, request: Received) -> None:
    half(visit, request)
    visit.close()


def reset(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.reset()


def reset_in_body(visit: Visit, request: Received) -> None:
    half(visit, request)
    visit.reset()


def garbage(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(os.urandom(256), b"\r\n\r\n" * 8)


def early(visit: Visit, _request: Received) -> None:
    visit.send(plain_response(b"no", status="403 Forbidden"))


def slowly(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(BEGINNING)
    for byte in b"abc":
        threading.Event().wait(SLOWLY_S)
        visit.send(bytes([byte]))


FAULTS: dict[str, Behaviour] = {
    "/half": half,
    "/middle": middle,
    "/reset": reset,
    "/reset-in-body": reset_in_body,
    "/garbage": garbage,
    "/early": early,
    "/slowly": slowly,
}

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with running_upstream(answer, port=port) as running:
        sys.stdout.write(f"{running.server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()
