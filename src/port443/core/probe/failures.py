"""Why a server could not be probed: a class for each cause, since each proves something else."""

import re
import traceback

from port443.core.errors import ScanError


def words_of(error: OSError) -> str:
    """Return the text of an OS or OpenSSL error; never empty."""
    reason = getattr(error, "reason", None)  # of an ssl.SSLError, as OpenSSL's own symbol
    if isinstance(reason, str):
        return reason.replace("_", " ").lower()
    text = re.sub(r"\A\[SSL[^\]]*\] |\s*\(_ssl\.c:\d+\)\Z", "", error.strerror or str(error))
    return text or type(error).__name__


MAX_EXCERPT = 120


def fault_in_words(error: Exception) -> str:
    """Describe an unforeseen error, with its place, as the reason why something is unknown."""
    if isinstance(error, ScanError):
        return error.message
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    what = f"{type(error).__name__}{place}: {error}"[:MAX_EXCERPT]
    return f"processing the answer failed, which is a defect of port443 to report ({what})"


class NameUnresolved(ScanError):
    """The host name has no address.

    The resolver of this machine gave no address for the name. Check the spelling, and look it up with
    `getent hosts NAME`; `--connect ADDRESS` scans an address without asking for one.
    """

    code = "P443-E501"
    fault = "operator"
    retry = True


class ConnectRefused(ScanError):
    """Nothing listens on that port.

    The machine answered that no program listens there. Check the port number, and that the
    server runs and listens on this address.
    """

    code = "P443-E502"
    fault = "peer"
    retry = True


class ConnectTimedOut(ScanError):
    """The connection was not answered in time.

    Neither an acceptance nor a refusal arrived: a firewall drops the packets, the address is wrong, or the
    network is very slow. Check the address, try `--timeout 30s`.
    """

    code = "P443-E503"
    fault = "peer"
    retry = True


class HostUnreachable(ScanError):
    """There is no route to that address from here.

    The network reports that the address cannot be reached; an IPv6 address on a machine without IPv6 is
    the usual cause. `--connect` with the other address family helps.
    """

    code = "P443-E504"
    fault = "machine"
    retry = True


class ConnectionWasReset(ScanError):
    """The server, or something before it, cut the connection with a TCP reset.

    A reset is no answer in TLS. Servers that are overloaded, that limit connections, or filters in
    between do this. Wait and try again.
    """

    code = "P443-E505"
    fault = "peer"
    retry = True


class AnswerTimedOut(ScanError):
    """The connection was open, but no answer arrived in time.

    The server accepted the connection and then sent nothing. It may wait for another protocol, be
    overloaded, or drop what it rejects. Try `--timeout 30s`.
    """

    code = "P443-E506"
    fault = "peer"
    retry = True


class ConnectionEnded(ScanError):
    """The server closed the connection before its answer was complete.

    It ended without a TLS alert that would name the reason. The port may use another protocol, or the
    server refuses some clients in this way.
    """

    code = "P443-E507"
    fault = "peer"
    retry = True


class HandshakeRefused(ScanError):
    """The server refused the handshake with a TLS alert.

    The name of the alert is the reason: `unrecognized_name` means that it does not serve this host name,
    `protocol_version` that it does not support this version, `handshake_failure` that nothing offered
    suited it.
    """

    code = "P443-E508"
    fault = "peer"


class HandshakeFailed(ScanError):
    """The handshake took a course that proves nothing.

    The server answered in TLS, but not as requested: another version, no certificate, or a
    second request for the same thing. Run `port443 scan HOST:PORT` for the whole picture.
    """

    code = "P443-E509"
    fault = "peer"


class HostSilent(ScanError):
    """The server answered no hello of any version.

    Nothing that was offered, from TLS 1.3 down to SSL 3.0, got a TLS answer. The message has the answer
    instead: other bytes mean that the port uses another protocol, silence or resets mean a filter
    or an overloaded server.
    """

    code = "P443-E511"
    fault = "peer"
    retry = True


class ScanTimedOut(ScanError):
    """The scan did not come to its end within its time.

    The host is so slow that not even the queries under way ended. Try `--timeout 300s`, or scan
    again when it is less busy.
    """

    code = "P443-E512"
    fault = "peer"
    retry = True


class EveryHelloRefused(ScanError):
    """The server speaks TLS, and accepted none of the hellos that it was sent.

    From TLS 1.3 down to SSL 3.0, with all suites and groups and with few, each hello was answered with
    an alert, or with TLS that violates its rules; the message lists them. The alert
    `unrecognized_name` means that the server needs another name (`--servername NAME`),
    `handshake_failure` that it accepts no suite, group or signature scheme that was offered,
    `internal_error` that the server has an internal error.
    """

    code = "P443-E513"
    fault = "peer"


class ScanFaulted(ScanError):
    """An unexpected exception in the scan of this host.

    Its other parts, and the other targets of the run, were completed. The message names the place in
    port443 where it happened: send it with your report.
    """

    code = "P443-E514"
    fault = "port443"
