"""Binding: all or nothing, seen when in use, explained when refused."""

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from free_ports import free_port
from port443.core.contract.snapshot import Listener
from port443.core.names import Endpoint
from port443.edge import sockets
from port443.edge.errors import AddressAbsent, AddressForbidden, AddressInUse, AddressUnusable
from port443.edge.holders import holder_of
from port443.edge.sockets import HeldSockets


@pytest.fixture
def held() -> Iterator[HeldSockets]:
    mine = HeldSockets()
    yield mine
    mine.close()


def listener(address: str) -> Listener:
    return Listener(f"https:{address}", "https", address, 443)


def connects(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False


def test_one_socket_a_worker(held: HeldSockets) -> None:
    """Each worker of each listener has its own, and all accept on the same address."""
    at = listener(f"127.0.0.1:{free_port()}")
    bound = held.bind_missing([at], 3)
    assert [(each.listener, each.worker) for each in bound] == [(at.id, 0), (at.id, 1), (at.id, 2)]
    assert {str(each.socket.getsockname()) for each in bound} == {f"('127.0.0.1', {at.address[10:]})"}
    assert all(each.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for each in bound)
    assert connects(int(at.address[10:]))


def test_only_what_is_missing_is_bound(held: HeldSockets) -> None:
    """A second time binds nothing; another worker gets a socket beside those that are held."""
    at = listener(f"127.0.0.1:{free_port()}")
    first = held.bind_missing([at], 1)
    assert held.bind_missing([at], 1) == []
    assert [each.worker for each in held.bind_missing([at], 2)] == [1]
    assert first[0] in list(held)


def test_ipv6_is_ipv6_alone(held: HeldSockets) -> None:
    """`[::]` and `0.0.0.0` are two listeners that do not stand in each other's way."""
    port = free_port("::1")
    both = [listener(f"[::]:{port}"), listener(f"0.0.0.0:{port}")]
    assert len(held.bind_missing(both, 1)) == 2
    assert all(connects(port, host) for host in ("127.0.0.1", "::1"))


def test_a_port_in_use_is_seen_and_its_holder_named(held: HeldSockets) -> None:
    """Even when the other program shares its port with whoever asks by SO_REUSEPORT."""
    for shared in (0, 1):
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            for address in (f"127.0.0.1:{port}", f"0.0.0.0:{port}"):
                with pytest.raises(AddressInUse) as caught:
                    held.bind_missing([listener(address)], 2)
                assert f"{address} is in use by" in caught.value.message
                assert f"(pid {os.getpid()})" in caught.value.message
    assert len(held) == 0


def test_nothing_is_bound_when_one_cannot_be(held: HeldSockets) -> None:
    """The addresses that could be bound are free again."""
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(AddressInUse):
            held.bind_missing([listener(f"127.0.0.1:{free}"), listener(f"127.0.0.1:{taken}")], 2)
    assert len(held) == 0
    assert not connects(free)


def test_our_own_sockets_are_not_in_our_way(held: HeldSockets) -> None:
    """Going from one address to all of them works while the old one is still held."""
    port = free_port()
    held.bind_missing([listener(f"127.0.0.1:{port}")], 2)
    assert len(held.bind_missing([listener(f"0.0.0.0:{port}")], 2)) == 2


def test_a_released_listener_is_closed(held: HeldSockets) -> None:
    """Only the listeners that are wanted stay open."""
    ports = [free_port(), free_port()]
    kept, dropped = (listener(f"127.0.0.1:{port}") for port in ports)
    held.bind_missing([kept, dropped], 2)
    held.release_all_but([kept.id])
    assert [connects(port) for port in ports] == [True, False]


def test_an_address_of_another_machine_is_explained(held: HeldSockets) -> None:
    with pytest.raises(AddressAbsent, match=r"192\.0\.2\.1 is not an address of this machine"):
        held.bind_missing([listener("192.0.2.1:8443")], 1)


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EACCES, AddressForbidden), (errno.EPERM, AddressForbidden), (errno.EAFNOSUPPORT, AddressAbsent),
     (errno.EMFILE, AddressUnusable)],
)  # fmt: skip
def test_what_the_system_refuses_has_a_next_step(number: int, error: type[Exception]) -> None:
    """Each refusal has an error of its own, with the address in its words."""
    explained = sockets._explained(Endpoint("127.0.0.1", 443), OSError(number, os.strerror(number)))
    assert type(explained) is error
    assert "127.0.0.1" in explained.message


def test_a_socket_that_cannot_even_be_made_is_explained(held: HeldSockets) -> None:
    """A kernel without IPv6, or no descriptor left: an error with the address in it, not a traceback."""
    bounds = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, bounds[1]))
    try:
        with pytest.raises(AddressUnusable, match=r"\[::1\]:8443: Too many open files"):
            held.bind_missing([listener("[::1]:8443")], 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, bounds)


def test_a_holder_is_found_by_what_proc_says(tmp_path: Path) -> None:
    """Listening rows alone count, of the address itself or of all addresses, in both tables."""
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
    row = "   0: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 1\n"
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(
        head + row.format("0100007F:20FB", "01", 7) + row.format("0100007F:20FB", "0A", 8)
        + row.format("00000000:0050", "0A", 9)
    )  # fmt: skip
    (tmp_path / "net" / "tcp6").write_text(
        head + row.format("00000000000000000000000001000000:1F90", "0A", 10)
    )
    for pid, name, inode in (("12", "nginx", 8), ("13", "caddy", 9), ("14", "node", 10)):
        (tmp_path / pid / "fd").mkdir(parents=True)
        (tmp_path / pid / "comm").write_text(name + "\n")
        (tmp_path / pid / "fd" / "3").symlink_to(f"socket:[{inode}]")
        (tmp_path / pid / "fd" / "4").symlink_to("/dev/null")
    assert holder_of("127.0.0.1", 8443, tmp_path) == "nginx (pid 12)"
    assert holder_of("0.0.0.0", 8443, tmp_path) == "nginx (pid 12)"  # noqa: S104 # nothing is bound
    assert holder_of("127.0.0.2", 8443, tmp_path) is None
    assert holder_of("127.0.0.2", 80, tmp_path) == "caddy (pid 13)"
    assert holder_of("::1", 8080, tmp_path) == "node (pid 14)"
    assert holder_of("::1", 8081, tmp_path) is None
    (tmp_path / "12" / "fd" / "3").unlink()
    assert holder_of("127.0.0.1", 8443, tmp_path) == "a process of another user"
    assert holder_of("127.0.0.1", 8443, tmp_path / "absent") is None
