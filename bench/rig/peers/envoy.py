"""Envoy: one worker, no access log, no request ids."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.group import Group
from rig.peers.asked import first_line
from rig.peers.peer import Stand

TYPES = "type.googleapis.com/envoy.extensions"
MANAGER = f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f"{TYPES}.filters.http.router.v3.Router"
TLS = f"{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext"


def read_version(program: Path) -> str:
    """Return `1.40.0`."""
    found = re.search(r"/(\d+\.\d+\.\d+)", first_line([program, "--version"]))
    return found[1] if found else "unknown"


@dataclass(frozen=True, slots=True)
class Envoy:
    """Envoy, from its wheel or from elsewhere."""

    program: Path
    label: str
    version: str
    kind: str = "envoy"

    def start(self, stand: Stand) -> Group:
        path = stand.write("envoy.json", json.dumps(configuration(stand)))
        options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        return Group([self.program, "-c", path, *options], stand.place, stand.log)


def configuration(stand: Stand) -> dict[str, Any]:
    """Return what the program is told."""
    return {"static_resources": {"listeners": [_listener(stand)], "clusters": [_cluster(stand)]}}


def _listener(stand: Stand) -> dict[str, Any]:
    manager = {"name": "http", "typed_config": _manager()}
    tls = {"name": "tls", "typed_config": _tls(stand)}
    return {
        "name": "https",
        "address": _address(stand.port),
        "filter_chains": [{"filters": [manager], "transport_socket": tls}],
    }


def _manager() -> dict[str, Any]:
    everything = {"match": {"prefix": "/"}, "route": {"cluster": "backend"}}
    return {
        "@type": MANAGER,
        "stat_prefix": "https",
        "use_remote_address": True,
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [everything]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }


def _tls(stand: Stand) -> dict[str, Any]:
    files = {
        "certificate_chain": {"filename": str(stand.identity.chain_file)},
        "private_key": {"filename": str(stand.identity.key_file)},
    }
    return {
        "@type": TLS,
        "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [files]},
    }


def _cluster(stand: Stand) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(stand.backend)}}
    return {
        "name": "backend",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "backend", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
