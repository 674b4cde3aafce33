"""What can be said and done when an edge goes on without a `port443 serve`."""

from port443.app.judge import some, text
from port443.core.errors import ServeError
from port443.ports import LoneEdge


class EdgeAlone(ServeError):
    """No `port443 serve` runs in this runtime directory, but its edge does, and serves what it last got.

    That is so after a sudden death of `serve`. Start it again with the same runtime directory: it takes the
    edge over without a lost connection. Or end the edge: `port443 stop`.
    """

    code = "P443-E418"
    fault = "operator"

    def __init__(self, edge: LoneEdge) -> None:
        super().__init__(
            f"no port443 serve runs here, but its edge goes on: {_described(edge)}",
            "start serve again, and it takes the edge over; or end it: port443 stop",
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
        pid = edge.identity.pid
        super().__init__(
            f"no port443 serve runs, and the edge has a unit of its own: {_described(edge)}",
            f"systemctl stop port443-edge, or: kill -TERM {pid}",
        )


def _described(edge: LoneEdge) -> str:
    served = f"it serves {some(edge.sites)}" if edge.sites else "it serves nothing"
    where = ", ".join(edge.listeners) or "nowhere"
    running = (edge.identity.running or "none")[:16]
    return f"process {edge.identity.pid} since {text(edge.since)}, snapshot {running}; {served} on {where}"
