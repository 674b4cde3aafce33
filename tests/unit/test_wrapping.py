"""A connection that was reset before TLS began leaves nothing open."""

import select
import socket
import ssl
import struct
import warnings

import pytest

from waiting import HANG_S
from wrapping import wrapped


def test_a_reset_connection_is_closed() -> None:
    """Python itself warns of an unclosed socket here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        raw = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        assert select.select([raw], [], [], HANG_S)[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OSError, match="reset"):
            wrapped(context, raw, server_hostname="localhost")
