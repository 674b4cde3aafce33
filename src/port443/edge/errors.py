"""The errors of the edge: its own refusals by their stable codes, and those of its process and socket."""

import os
from errno import ENOSPC
from typing import ClassVar

from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.strict_json import BadJson
from port443.core.errors import EdgeError


class EdgeProgramMissing(EdgeError):
    """The program port443-edge is nowhere to be found.

    It comes with `pip install port443`; the environment variable PORT443_EDGE may name another one.
    """

    code = "P443-E301"
    fault = "operator"


class EdgeVersionDiffers(EdgeError):
    """The program found is not the edge of this version of port443.

    Both have the same version: `pip install --upgrade port443` upgrades the edge too.
    """

    code = "P443-E302"
    fault = "operator"


class EdgeUnreachable(EdgeError):
    """No edge answers on the socket in the runtime directory.

    With `--edge external` something else has to run it: see that its unit (packaging/port443-edge.service)
    runs and has the same runtime directory. Without that option `port443 serve` starts an edge by itself.
    """

    code = "P443-E303"
    fault = "machine"
    retry = True


class EdgeGone(EdgeError):
    """The edge ended, or closed the connection, before it answered.

    `port443 serve` restarts it by itself; its last output is in edge.log in the runtime directory.
    """

    code = "P443-E304"
    fault = "machine"
    retry = True


class EdgeAnswerStrange(EdgeError):
    """The answer on the edge's socket does not follow the contract.

    Another program may own the socket, or the two programs are of different versions.
    """

    code = "P443-E305"


class EdgeDidNotStart(EdgeError):
    """The edge ended right after its start, or did not answer in time.

    Its last output is in the message; all of it is in edge.log in the runtime directory.
    """

    code = "P443-E306"
    fault = "machine"


class EdgeKeepsCrashing(EdgeError):
    """The edge was restarted again and again, and ended each time.

    Please report it with edge.log from the runtime directory.
    """

    code = "P443-E307"


class PartsUnknown(EdgeError):
    """The edge reported missing parts that the plan does not have.

    It is a fault of port443: please report it.
    """

    code = "P443-E308"


class AddressInUse(EdgeError):
    """Another program listens on an address that port443 should listen on.

    Stop that program, or choose another port or address under `listen` in the settings.
    """

    code = "P443-E310"
    fault = "operator"


class AddressForbidden(EdgeError):
    """This user may not listen on the address; ports below 1024 are for root by default.

    Use the systemd unit, which grants the right, or lower the bound with
    `sysctl net.ipv4.ip_unprivileged_port_start=80`, or choose a port from 1024 up.
    """

    code = "P443-E311"
    fault = "operator"


class AddressAbsent(EdgeError):
    """The address to listen on is not one of this machine.

    `ip address` lists those that are; `0.0.0.0` and `[::]` mean all of them.
    """

    code = "P443-E312"
    fault = "operator"


class AddressUnusable(EdgeError):
    """The system refused to listen on the address, for the reason in the message.

    Choose another address under `listen`, or check what the system's administrator has forbidden (a
    firewall does not matter here, SELinux and AppArmor do).
    """

    code = "P443-E313"
    fault = "machine"


class RuntimeDirectoryUnsafe(EdgeError):
    """The runtime directory could be read or changed by others, and secrets lie in it.

    It must be a directory of the user that runs port443, with mode 0700.
    """

    code = "P443-E320"
    fault = "operator"


class RuntimePathTooLong(EdgeError):
    """The path of the runtime directory is too long: the path of a socket has at most 107 bytes.

    Choose a shorter one with `--runtime`.
    """

    code = "P443-E321"
    fault = "operator"


class RuntimeDirectoryUnusable(EdgeError):
    """The runtime directory can be neither made nor written to, for the reason in the message.

    Make it beforehand for the user who runs port443, with mode 0700, or name another with `--runtime DIR`.
    """

    code = "P443-E322"
    fault = "operator"


class EdgeRefused(EdgeError):
    """The edge refused a request with a code that this version of port443 does not know.

    The two programs have different versions. Restart both: port443 stop, then `port443 serve`; an edge with
    a unit of its own by that unit.
    """

    code = "P443-E330"


class BadFrame(EdgeError):
    """The connection to the edge ended or timed out in the middle of a frame.

    Serve reconnects by itself. If this repeats, edge.log in the runtime directory has the edge's error.
    """

    code = "P443-E351"
    name: ClassVar[str] = "bad_frame"


class FrameTooLong(EdgeError):
    """A frame to the edge would have more than 64 MiB.

    The settings are larger than one edge takes. Divide the sites between two.
    """

    code = "P443-E352"
    name: ClassVar[str] = "frame_too_long"


class UnknownVerb(EdgeError):
    """The edge does not know the verb: the two programs have different versions.

    Restart both: port443 stop, then `port443 serve`; an edge with a unit of its own by that unit.
    """

    code = "P443-E353"
    name: ClassVar[str] = "unknown_verb"


class BadRequest(EdgeError):
    """A request to the edge lacks a field, or holds a value of the wrong type or range.

    It is a defect of port443: please report it, with the message.
    """

    code = "P443-E354"
    name: ClassVar[str] = "bad_request"


class FdCountWrong(EdgeError):
    """A frame reached the edge with another number of descriptors than it lists.

    The process may be short of descriptors: raise `LimitNOFILE` or `ulimit -n`. Else please report it.
    """

    code = "P443-E356"
    name: ClassVar[str] = "fd_count_wrong"


class FdKindWrong(EdgeError):
    """A descriptor that reached the edge is not a listening TCP socket.

    It is a defect of port443: please report it, with the message.
    """

    code = "P443-E357"
    name: ClassVar[str] = "fd_kind_wrong"


class StaleEpoch(EdgeError):
    """Another, newer `port443 serve` has taken this edge over.

    Only one can hold it: end the older one.
    """

    code = "P443-E358"
    name: ClassVar[str] = "stale_epoch"
    fault = "operator"


class StaleBase(EdgeError):
    """The edge runs another snapshot than `port443 serve` expected; nothing was changed.

    Serve reads the edge's state and applies its own. If this repeats, another serve uses the edge: stop one.
    """

    code = "P443-E359"
    name: ClassVar[str] = "stale_base"
    retry = True


class ContractDiffers(EdgeError):
    """The running edge implements another version of the contract than this `port443 serve`.

    A `serve` that starts its own edge starts the matching one beside it and takes its sockets over. An edge
    with a unit of its own is not replaced: restart that unit with the program of this version.
    """

    code = "P443-E360"
    fault = "operator"


class EdgeInternal(EdgeError):
    """An operation inside the edge failed, such as writing its boot copy.

    The message has the error of the system. If the disk is full, make room in the runtime directory
    (df -h shows it), or name another with `--runtime DIR`; what runs is not affected.
    """

    code = "P443-E361"
    name: ClassVar[str] = "internal"
    fault = "machine"


class TooManyClients(EdgeError):
    """More clients are connected to the edge's socket than it serves at the same time.

    Only `port443 serve` and its commands connect to it. End other clients: `ss -xp` shows them.
    """

    code = "P443-E362"
    name: ClassVar[str] = "too_many_clients"
    fault = "machine"
    retry = True


class EdgeDraining(EdgeError):
    """The edge is ending its connections and takes nothing new any more.

    Wait until it has ended, then start `port443 serve` again.
    """

    code = "P443-E363"
    name: ClassVar[str] = "draining"
    fault = "operator"
    retry = True


NO_ROOM_HINT = "make room in the runtime directory (df -h shows it), or name another with --runtime"
REFUSALS: dict[str, type[EdgeError]] = {
    refusal.code: refusal
    for refusal in (
        BadJson, BadFrame, FrameTooLong, UnknownVerb, BadRequest, DocumentInvalid, FdCountWrong, FdKindWrong,
        StaleEpoch, StaleBase, EdgeInternal, TooManyClients, EdgeDraining,
    )
}  # fmt: skip
"""The edge's own errors, by their stable codes: `contract/errors.json`."""


def refusal_of(code: str, path: str, message: str) -> EdgeError:
    """Return the edge's refusal as the error of its code."""
    kind = REFUSALS.get(code)
    if kind is None:
        return EdgeRefused(f"the edge refused: {code}: {message}")
    if issubclass(kind, DocumentInvalid):
        return kind(path, message.removeprefix(f"{path}: "))
    hint = NO_ROOM_HINT if os.strerror(ENOSPC) in message else ""
    return kind(f"the edge refused: {message}", hint)
