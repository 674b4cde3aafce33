"""Call or end `port443 serve`; and what to report and do when it does not answer but its edge runs."""

from collections.abc import Awaitable
from pathlib import PurePath
from typing import TypeVar

from port443.app.problems import some, text
from port443.core.control.answers import NoAnswer, NotRunning, Stopped
from port443.core.errors import ServeError
from port443.ports import App, LoneEdge, SilentServe

STARTING_ENDS_S = 20.0
T = TypeVar("T")


class EdgeAlone(ServeError):
    """No `port443 serve` runs in this runtime directory, but its edge does, with its last snapshot.

    That is so after `serve` was killed. Start it again with the same runtime directory: it adopts the edge
    without a lost connection. Or end the edge: `port443 stop`, or its unit where it has one.
    """

    code = "P443-E418"
    fault = "operator"

    def __init__(self, edge: LoneEdge) -> None:
        super().__init__(
            f"no port443 serve runs here, but its edge does: {_described(edge)}",
            f"start serve again, and it takes the edge over; or end it: {ending(edge)}",
        )
        self.edge = edge

    def facts(self) -> dict[str, object]:
        identity = self.edge.identity
        return {"edge_pid": identity.pid, "since": self.edge.since.isoformat(), "running": identity.running}


class EdgeOfItsUnit(ServeError):
    """No `port443 serve` runs, and the edge has a service unit of its own, which would start it again.

    End the unit: `systemctl stop port443-edge`. Without a service manager: `kill -TERM` its process.
    """

    code = "P443-E419"
    fault = "operator"
    exit_code = 5

    def __init__(self, edge: LoneEdge) -> None:
        super().__init__(
            f"no port443 serve runs, and the edge has a unit of its own: {_described(edge)}",
            ending(edge),
        )


class ServeStarting(ServeError):
    """A `port443 serve` holds this runtime directory, and does not listen to commands.

    It is about to end, or its socket was removed. Try again, or end it: `port443 stop`.
    """

    code = "P443-E422"
    fault = "operator"
    retry = True

    def __init__(self, pid: int, edge: LoneEdge | None, runtime: PurePath) -> None:
        waits = f"it waits for an edge to answer on {runtime}/edge.sock"
        state = "it runs its first round, or is about to end" if edge else waits
        super().__init__(
            f"port443 serve (pid {pid}) does not accept commands yet: {state}",
            "try again later; an external edge is started by its unit; or end serve: port443 stop",
        )
        self.pid = pid


async def answer_of(call: Awaitable[T], silent: SilentServe) -> T:
    """Return the answer of `serve`; raises when there is none or it refuses.

    `EdgeAlone` when no `serve` runs, but its edge does; `ServeStarting` when it does not accept commands yet.
    """
    try:
        return await call
    except NoAnswer as error:
        edge, pid = await silent.find_edge(), silent.pid()
        state, hint = unanswered(pid, edge, is_stopped=pid is not None and silent.is_stopped(pid))
        raise NoAnswer(f"port443 serve (pid {pid or 'unknown'}) {error.message}; {state}", hint) from error
    except NotRunning as error:
        edge = await silent.find_edge()
        if pid := silent.pid():
            raise ServeStarting(pid, edge, silent.runtime) from error
        if edge is None:
            raise
        raise EdgeAlone(edge) from error


async def stop(app: App, silent: SilentServe) -> Stopped:
    """End `serve` and its edge, or an edge that runs without one; return what is still running."""
    try:
        return await answer_of(app.stop(), silent)
    except ServeStarting as starting:
        await _end_starting(starting, silent)
        return await _stop_lone(silent, starting.pid)
    except EdgeAlone as alone:
        if alone.edge.has_unit:
            raise EdgeOfItsUnit(alone.edge) from alone
        return await _stop_lone(silent, None)


async def _end_starting(starting: ServeStarting, silent: SilentServe) -> None:
    """End a `serve` that does not listen: a signal ends it."""
    try:
        has_ended = await silent.end(starting.pid, STARTING_ENDS_S)
    except PermissionError:
        raise starting from None
    if not has_ended:
        raise NoAnswer(
            f"port443 serve (pid {starting.pid}) has not ended {STARTING_ENDS_S:g} s after SIGTERM",
            f"see its log; kill -KILL {starting.pid} ends it by force",
        )


async def _stop_lone(silent: SilentServe, serve: int | None) -> Stopped:
    """End the edge that is left, unless its own unit does that."""
    edge = await silent.find_edge()
    has_unit = edge is not None and edge.has_unit
    if edge and not has_unit:
        await silent.end_edge()
    return Stopped(
        stopped=True,
        serve=serve,
        edge=edge.identity.pid if edge else None,
        edge_has_unit=has_unit,
        edge_goes_on=has_unit,
    )


def ending(edge: LoneEdge) -> str:
    """Return the command that ends an edge without a `serve`; its unit would start it again after a stop."""
    by_unit = f"systemctl stop port443-edge, or: kill -TERM {edge.identity.pid}"
    return by_unit if edge.has_unit else "port443 stop"


def unanswered(pid: int | None, edge: LoneEdge | None, *, is_stopped: bool) -> tuple[str, str]:
    """Return the state of a `serve` that does not answer, and what to do about it."""
    served = f"its edge still serves: {_described(edge)}" if edge else "no edge answers either"
    if is_stopped:
        return f"it is stopped; {served}", f"resume it: kill -CONT {pid}"
    hint = f"see its log; if it hangs: kill -KILL {pid or 'PID'}, then start port443 serve again"
    return served, f"{hint}, which takes its edge over"


def _described(edge: LoneEdge) -> str:
    served = f"it serves {some(edge.sites)}" if edge.sites else "it serves nothing"
    where = ", ".join(edge.listeners) or "nowhere"
    running = (edge.identity.running or "none")[:16]
    return f"process {edge.identity.pid} since {text(edge.since)}, snapshot {running}; {served} on {where}"
