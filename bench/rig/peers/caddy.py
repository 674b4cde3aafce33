"""Caddy: one processor, no access log, no administration."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.group import Group
from rig.peers.asked import first_line
from rig.peers.peer import UPSTREAM_IDLE, Stand


def read_version(program: Path) -> str:
    """Return `2.11.7`."""
    return first_line([program, "version"]).split()[0].removeprefix("v")


@dataclass(frozen=True, slots=True)
class Caddy:
    """Caddy, from its wheel or from elsewhere."""

    program: Path
    label: str
    version: str
    kind: str = "caddy"

    def start(self, stand: Stand) -> Group:
        path = stand.write("caddy.json", json.dumps(configuration(stand)))
        home = str(stand.directory)
        places = {"HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        return Group(
            [self.program, "run", "--config", path], stand.place, stand.log, GOMAXPROCS="1", **places
        )


def configuration(stand: Stand) -> dict[str, Any]:
    """Return what the program is told."""
    files = {"certificate": str(stand.identity.chain_file), "key": str(stand.identity.key_file)}
    return {
        "admin": {"disabled": True},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {
            "http": {"servers": {"https": _server(stand)}},
            "tls": {"certificates": {"load_files": [files]}},
        },
    }


def _server(stand: Stand) -> dict[str, Any]:
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{stand.backend}"}],
        "transport": {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": UPSTREAM_IDLE}},
    }
    return {
        "listen": [f"127.0.0.1:{stand.port}"],
        "protocols": ["h1", "h2"],
        "routes": [{"handle": [proxy]}],
        "tls_connection_policies": [{}],
        "automatic_https": {"disable": True},
    }
