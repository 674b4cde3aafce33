"""The web server behind the soak: small and large answers, and the digest of what it is sent."""

import hashlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = bytes(range(256)) * 256
BLOCKS_OF_BIG = 128
"""8 MiB."""


def small(path: str) -> bytes:
    """Return the kilobyte that stands at a path, another one for each number behind `?`."""
    start = int(path.partition("?")[2] or 0)
    return BLOCK[start : start + 1024]


class Handler(BaseHTTPRequestHandler):
    """`/big` is 8 MiB, everything else a kilobyte of its own; a POST is answered with its body's SHA-256."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/big"):
            self._begin(len(BLOCK) * BLOCKS_OF_BIG)
            for _ in range(BLOCKS_OF_BIG):
                self.wfile.write(BLOCK)
        else:
            body = small(self.path)
            self._begin(len(body))
            self.wfile.write(body)

    def do_POST(self) -> None:
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left and (piece := self.rfile.read(min(left, 65536))):
            digest.update(piece)
            left -= len(piece)
        answer = digest.hexdigest().encode()
        self._begin(len(answer))
        self.wfile.write(answer)

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """Clients that vanish are part of the soak, and no news."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Stay silent."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
