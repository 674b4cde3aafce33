"""The listening sockets: bound here, kept open here, and passed to each edge process."""

import errno
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from port443.core.contract.bounds import LISTENER_BACKLOG
from port443.core.contract.snapshot import Listener
from port443.core.contract.tls_names import Transport
from port443.core.errors import EdgeError
from port443.core.names import Endpoint
from port443.edge.errors import AddressAbsent, AddressForbidden, AddressInUse, AddressUnusable
from port443.edge.holders import holder_of

_KINDS: Final[Mapping[Transport, socket.SocketKind]] = {Transport.TCP: socket.SOCK_STREAM}


@dataclass(frozen=True, slots=True, eq=False)
class HeldSocket:
    """One listening socket, for one worker of one listener."""

    listener: str
    worker: int
    socket: socket.socket


class HeldSockets:
    """Our own descriptors of every listening socket, so that no crash of the edge closes a port."""

    def __init__(self) -> None:
        self._held: list[HeldSocket] = []

    def __iter__(self) -> Iterator[HeldSocket]:
        return iter(list(self._held))

    def __len__(self) -> int:
        return len(self._held)

    def adopt(self, listener: str, worker: int, descriptor: int) -> HeldSocket:
        """Take ownership of a descriptor that the edge sent."""
        adopted = HeldSocket(listener, worker, socket.socket(fileno=descriptor))
        self._held.append(adopted)
        return adopted

    def bind_missing(self, listeners: Sequence[Listener], workers: int) -> list[HeldSocket]:
        """Bind the missing sockets, one for each worker and listener: all of them, or none and an error."""
        bound: list[HeldSocket] = []
        try:
            for listener in listeners:
                held = {each.worker for each in self._held if each.listener == listener.id}
                endpoint = Endpoint.parse(listener.address)
                if not held and not self._holds_port(endpoint.port, listener.transport):
                    _probe(endpoint, listener.transport)
                for worker in sorted(set(range(workers)) - held):
                    # One by one, so that these are closed when the next cannot be bound.
                    one = _bind(endpoint, listener.transport, shared=True)
                    bound.append(HeldSocket(listener.id, worker, one))
        except EdgeError:
            for each in bound:
                each.socket.close()
            raise
        self._held += bound
        return bound

    def _holds_port(self, port: int, transport: Transport) -> bool:
        # An address of ours may overlap the new one (127.0.0.1 and 0.0.0.0): then a probe sees ourselves.
        alike = (each.socket for each in self._held if each.socket.type == _KINDS[transport])
        return any(each.getsockname()[1] == port for each in alike)

    def release_all_but(self, listeners: Iterable[str]) -> None:
        """Close the sockets of listeners that were removed: a port is open while one descriptor is."""
        kept = set(listeners)
        for each in self._held:
            if each.listener not in kept:
                each.socket.close()
        self._held = [each for each in self._held if each.listener in kept]

    def close(self) -> None:
        """Close all of them; the edge keeps its own."""
        self.release_all_but(())


def _probe(endpoint: Endpoint, transport: Transport) -> None:
    """Bind once without SO_REUSEPORT: with it, another program of this user would go unseen."""
    _bind(endpoint, transport, shared=False).close()


def _bind(endpoint: Endpoint, transport: Transport, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        bound = socket.socket(family, _KINDS[transport] | socket.SOCK_NONBLOCK)
    except OSError as error:  # a kernel without IPv6
        raise _explained(endpoint, error) from error
    try:
        # Connections of an earlier run that linger in TIME_WAIT must not keep us from the port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((endpoint.address, endpoint.port))
        if shared:
            _listen(bound, transport)
    except OSError as error:
        bound.close()
        raise _explained(endpoint, error) from error
    return bound


def _listen(bound: socket.socket, transport: Transport) -> None:
    match transport:
        case Transport.TCP:
            bound.listen(LISTENER_BACKLOG)
        case _:
            assert_never(transport)


def _explained(endpoint: Endpoint, error: OSError) -> EdgeError:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(endpoint.address, endpoint.port)
        by = f" by {holder}" if holder else ""
        return AddressInUse(f"{endpoint} is in use{by}", "stop it, or choose another port")
    if error.errno in {errno.EACCES, errno.EPERM}:
        hint = "use a port from 1024 up, the systemd unit, or: sysctl net.ipv4.ip_unprivileged_port_start=80"
        return AddressForbidden(f"this user may not listen on {endpoint}", hint)
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return AddressAbsent(f"{endpoint.address} is not an address of this machine", "see: ip address")
    return AddressUnusable(f"cannot listen on {endpoint}: {error.strerror}")
