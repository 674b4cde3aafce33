"""TLS over a socket that the other side may have reset already."""

import socket
import ssl
import traceback
from typing import Any


def wrapped(context: ssl.SSLContext, raw: socket.socket, **options: Any) -> ssl.SSLSocket:
    """Do as `wrap_socket` does, and leave nothing open when it fails.

    Python takes the socket over, finds that the connection was reset, and does not close it then.
    """
    try:
        return context.wrap_socket(raw, **options)
    except OSError as error:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if isinstance(lost := frame.f_locals.get("self"), ssl.SSLSocket):
                lost.close()
        raise
