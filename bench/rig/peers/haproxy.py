"""HAProxy: one thread, connections to the backend shared by all clients."""

import re
from dataclasses import dataclass
from pathlib import Path

from rig.group import Group
from rig.peers.asked import first_line
from rig.peers.peer import CONNECTIONS, TIMEOUT_S, Stand


def read_version(program: Path) -> str:
    """Return `2.6.12-1+deb12u4`."""
    found = re.search(r"version (\S+)", first_line([program, "-v"]))
    return found[1] if found else "unknown"


@dataclass(frozen=True, slots=True)
class Haproxy:
    """HAProxy, from Debian or from elsewhere."""

    program: Path
    label: str
    version: str
    kind: str = "haproxy"

    def start(self, stand: Stand) -> Group:
        path = stand.write("haproxy.cfg", configuration(stand))
        return Group([self.program, "-db", "-f", path], stand.place, stand.log)


def configuration(stand: Stand) -> str:
    """Return what the program is told."""
    return f"""
global
  nbthread 1
  maxconn {CONNECTIONS}
defaults
  mode http
  timeout connect 5s
  timeout client {TIMEOUT_S}s
  timeout server {TIMEOUT_S}s
  timeout http-keep-alive {TIMEOUT_S}s
  option forwardfor
  # The default opens a connection to the backend for the first request of each client.
  http-reuse always
frontend https
  bind 127.0.0.1:{stand.port} ssl crt {stand.identity.both_file} alpn h2,http/1.1 backlog 4096
  http-request set-header X-Forwarded-Proto https
  default_backend backend
backend backend
  server one 127.0.0.1:{stand.backend}
"""
