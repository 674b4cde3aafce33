"""The backend: one nginx that answers at once, the same for every proxy."""

from pathlib import Path

from rig.group import Group, Place
from rig.peers import nginx
from rig.rows import LARGE, MIB, SMALL, UP, UP_ANSWER


def start_backend(program: Path, directory: Path, port: int, place: Place) -> Group:
    """Start the backend and wait until it listens."""
    directory.mkdir()
    (directory / LARGE.lstrip("/")).write_bytes(bytes(MIB))
    group = nginx.run(program, directory, place, nginx.head(directory) + _server(directory, port))
    try:
        group.wait_listening(port)
    except BaseException:
        group.end()
        raise
    return group


def _server(directory: Path, port: int) -> str:
    inner = f"unix:{directory}/inner"
    # `return` would answer an upload before it has come: it is read whole, then answered by the inner server.
    return f"""
upstream inner {{
  server {inner};
  keepalive 64;
  keepalive_requests 1000000000;
}}
server {{
  listen 127.0.0.1:{port} backlog=4096;
  root {directory};
  default_type text/plain;
  open_file_cache max=8;
  location = {SMALL} {{ return 200 "{"x" * 1024}"; }}
  location = {LARGE} {{ }}
  location = {UP} {{
    client_body_buffer_size {2 * MIB};
    proxy_pass http://inner;
    proxy_http_version 1.1;
    proxy_pass_request_body off;
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
  }}
}}
server {{
  listen {inner};
  default_type text/plain;
  location / {{ return 200 "{UP_ANSWER}"; }}
}}
}}
"""
