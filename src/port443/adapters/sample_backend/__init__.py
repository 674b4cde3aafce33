"""Two small web servers as the backends of the demo."""

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>port443 demo</title>
<style>
:root{{color-scheme:light dark}}
body{{font:1.1rem/1.6 system-ui;max-width:36rem;margin:12vh auto;padding:0 1rem}}
dt{{font-weight:600}}dd{{margin:0 0 .6rem}}code{{overflow-wrap:anywhere}}</style>
<h1>It works</h1>
<p>This page came over TLS through port443 from <strong>{name}</strong>.
Reload it: the other server answers.</p>
<dl><dt>Host</dt><dd><code>{host}</code></dd><dt>Forwarded</dt><dd><code>{forwarded}</code></dd></dl>
</html>
"""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore it: a client that disconnects early is not worth a line."""


class SampleBackend:
    """A plain HTTP/1.1 server on loopback, in its own thread."""

    def __init__(self, name: str, port: int) -> None:
        """Listen on `port`, or on any free one where that is taken."""
        try:
            self._server = _Server(("127.0.0.1", port), _handler(name))
        except OSError:
            self._server = _Server(("127.0.0.1", 0), _handler(name))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop answering and wait until the thread has ended."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        # Head and body are two writes: the second must not wait for the first to be acknowledged.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            page = PAGE.format(
                name=name,
                host=html.escape(self.headers.get("Host", "")),
                forwarded=html.escape(self.headers.get("Forwarded", "")),
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(page)

        do_HEAD = do_GET  # noqa: N815  # the name is http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            """Log nothing: the demo prints its own lines."""

    return Handler
