"""Why a server behind a site did not answer, as sentences."""

from port443.core.contract.bounds import RESPONSE_FIELDS
from port443.core.contract.reasons import UpstreamFailure


def cause_of(reason: UpstreamFailure, server: str) -> str:
    """Return the cause; `server` is `host:port` as in events, or empty where no server is at fault."""
    host = server.rpartition(":")[0]
    words = {
        UpstreamFailure.CONNECT_REFUSED: f"nothing listens at {server}",
        UpstreamFailure.CONNECT_FAILED: f"no connection to {server} can be opened",
        UpstreamFailure.NO_ADDRESS: f"no address for {host}",
        UpstreamFailure.CONNECT_TIMEOUT: f"{server} did not take the connection in time",
        UpstreamFailure.RESPONSE_TIMEOUT: f"{server} did not begin its response in time",
        UpstreamFailure.CLOSED_EARLY: f"{server} closed the connection before its response was whole",
        UpstreamFailure.RESPONSE_MALFORMED: f"{server} sent a response that is not valid HTTP",
        UpstreamFailure.RESPONSE_TOO_LARGE: (
            f"{server} sent a response whose header is larger than limits.header.size "
            f"or has more fields than limits.header.count and {RESPONSE_FIELDS}"
        ),
        UpstreamFailure.BODY_TIMEOUT: f"{server} fell silent in the middle of a body",
        UpstreamFailure.NO_SERVER: "no server of the pool can be tried",
        UpstreamFailure.POOL_FULL: "as many connections are open as limits.connections.per_pool allows",
    }
    return words[reason]
