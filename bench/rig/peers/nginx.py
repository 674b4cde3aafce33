"""nginx: one worker, keep-alive towards the backend, bodies passed on as they come."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from rig.group import Group, Place
from rig.peers.asked import first_line
from rig.peers.peer import CONNECTIONS, TIMEOUT_S, UPSTREAM_IDLE, Stand

HTTP2_DIRECTIVE = (1, 25, 1)
"""The first version with `http2 on`; earlier ones take it as a word of `listen`."""


def read_version(program: Path) -> str:
    """Return `1.22.1`."""
    return first_line([program, "-v"]).rpartition("/")[2].split()[0]


def head(directory: Path) -> str:
    """The part of a configuration that is the same for any use."""
    # Without a master's change of user, the worker may read the directory of the run.
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{name}_temp_path {directory}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile {4 * CONNECTIONS};
pid {directory}/pid;
error_log {directory}/log error;
events {{ worker_connections {CONNECTIONS}; }}
http {{
access_log off;
{temporary}
keepalive_requests 1000000000;
keepalive_timeout {TIMEOUT_S}s;
sendfile on;
client_max_body_size 0;
"""


def run(program: Path, directory: Path, place: Place, configuration: str) -> Group:
    """Start nginx with a configuration."""
    path = directory / "nginx.conf"
    path.write_text(configuration)
    log = directory / "log"
    return Group([program, "-p", f"{directory}/", "-e", log, "-c", path], place, log)


@dataclass(frozen=True, slots=True)
class Nginx:
    """nginx, from Debian or from elsewhere."""

    program: Path
    label: str
    version: str
    kind: str = "nginx"

    def start(self, stand: Stand) -> Group:
        return run(self.program, stand.directory, stand.place, self.configuration(stand))

    def configuration(self, stand: Stand) -> str:
        """Return what the program is told."""
        return head(stand.directory) + self._server(stand)

    def _server(self, stand: Stand) -> str:
        numbers = tuple(int(number) for number in re.findall(r"\d+", self.version)[:3])
        as_word, as_directive = ("", "http2 on;") if numbers >= HTTP2_DIRECTIVE else (" http2", "")
        return f"""
upstream backend {{
  server 127.0.0.1:{stand.backend};
  keepalive {UPSTREAM_IDLE};
  keepalive_requests 1000000000;
}}
server {{
  listen 127.0.0.1:{stand.port} ssl{as_word} backlog=4096;
  {as_directive}
  ssl_certificate {stand.identity.chain_file};
  ssl_certificate_key {stand.identity.key_file};
  ssl_protocols TLSv1.2 TLSv1.3;
  location / {{
    proxy_pass http://backend;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    # All others pass a body on as it comes; without this, each would be written to a file first.
    proxy_request_buffering off;
  }}
}}
}}
"""
