"""Desired state to snapshot: pure, so that equal states have equal hashes."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from port443.core.contract.bounds import MAX_TICKET_KEYS
from port443.core.contract.snapshot import (
    Certificate,
    Hash,
    Hsts,
    Limits,
    Listener,
    Part,
    Pool,
    PrivateKey,
    Root,
    Server,
    Site,
    TicketKey,
    Timeouts,
    TlsPolicy,
    hash_of,
)
from port443.core.contract.tls_names import Role
from port443.core.names import Endpoint, HostName, IPName
from port443.core.plan.desired import Credential, Desired, DesiredSite, SiteNeeds, SiteTimeouts
from port443.core.plan.hsts import HstsStep, header_of
from port443.core.plan.policies import POLICIES

HTTPS_PORT = 443
MAX_POOL_NAME = 100
NOTHING = SiteNeeds()


@dataclass(frozen=True, slots=True)
class Plan:
    """A snapshot with its parts: what the edge should run."""

    root: Root
    parts: Mapping[Hash, Part]
    """The parts by hash; ticket keys that the edge already holds may be absent."""

    @property
    def hash(self) -> Hash:
        """The hash of the root: the name of what will run."""
        return hash_of(self.root)

    def without_ticket_keys(self, lost: Iterable[Hash]) -> "Plan":
        """Return the plan without ticket keys that are lost; it costs resumptions only."""
        gone = set(lost) & set(self.root.ticket_keys)
        root = replace(
            self.root,
            ticket_keys=tuple(key for key in self.root.ticket_keys if key not in gone),
            parts=tuple(part for part in self.root.parts if part not in gone),
        )
        return replace(self, root=root)


def plan(
    desired: Desired,
    needs: Mapping[str, SiteNeeds],
    *,
    hsts_steps: Mapping[str, HstsStep] | None = None,
    ticket_keys: Sequence[TicketKey | Hash] = (),
) -> Plan:
    """Return the snapshot of the desired state, with what is known of the needs of its sites.

    `needs` and `hsts_steps` are by site id. A site without a credential has no certificate: the edge puts it
    in quarantine, and keeps its last good version. One without a step has the ladder's first. Ticket keys are
    ordered newest first; one that the edge holds already may be given by its hash alone. More of them than
    the contract allows are ignored.
    """
    parts = _Parts(desired)
    steps = hsts_steps or {}
    sites = {
        site.id: parts.add_site(site, needs.get(site.id, NOTHING), header_of(site, steps.get(site.id)))
        for site in sorted(desired.sites, key=lambda site: site.id)
    }
    newest = ticket_keys[:MAX_TICKET_KEYS]
    keys = tuple(parts.add(key) if isinstance(key, TicketKey) else key for key in newest)
    root = Root(
        listeners=_listeners(desired),
        limits=desired.limits,
        sites=sites,
        default_site=desired.default_site,
        ticket_keys=keys,
        parts=tuple(sorted({*parts.by_hash, *keys})),
    )
    return Plan(root, parts.by_hash)


class _Parts:
    """The parts of one plan; equal ones are one part."""

    def __init__(self, desired: Desired) -> None:
        self.desired = desired
        self.by_hash: dict[Hash, Part] = {}

    def add(self, part: Part) -> Hash:
        name = hash_of(part)
        self.by_hash[name] = part
        return name

    def add_site(self, site: DesiredSite, needs: SiteNeeds, hsts: Hsts | None) -> Hash:
        part = Site(
            id=site.id,
            names=_spelled(site.names),
            tls=self.add(_policy(site, needs.client_roots)),
            certificates=(self._add_credential(needs.credential),) if needs.credential else (),
            pool=self.add(_pool(site, self.desired)),
            hsts=hsts,
            redirect_cacheable=not any(_is_local(name) for name in site.names),
            limits=site.limits,
            timeouts=_timeouts(site.timeouts, self.desired.limits),
        )
        return self.add(part)

    def _add_credential(self, credential: Credential) -> Hash:
        key = self.add(PrivateKey(_base64(credential.key_pkcs8)))
        chain = tuple(_base64(der) for der in credential.chain)
        return self.add(Certificate(_spelled(credential.names), chain, key))


def _policy(site: DesiredSite, client_roots: tuple[bytes, ...] | None) -> TlsPolicy:
    policy = POLICIES[site.tls]
    if client_roots is None:
        return policy
    # A resumed session would show no certificate.
    return replace(policy, client_roots=tuple(map(_base64, client_roots)), tickets=False)


def _spelled(names: Iterable[HostName | IPName]) -> tuple[str, ...]:
    return tuple(sorted({name.text for name in names}))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _is_local(name: HostName | IPName) -> bool:
    """Whether the name may belong to another site tomorrow, so that browsers must not cache redirects."""
    return name.is_reserved


def timeouts_of(limits: Limits) -> Timeouts:
    """Return the pool timeouts of a site without its own."""
    return Timeouts(
        handshake_ms=limits.handshake_timeout_ms,
        header_ms=limits.header_timeout_ms,
        body_ms=limits.body_timeout_ms,
        idle_ms=limits.idle_timeout_ms,
        request_ms=limits.request_timeout_ms,
        tunnel_ms=limits.tunnel_timeout_ms,
    )


def _timeouts(own: SiteTimeouts, limits: Limits) -> Timeouts | None:
    common = timeouts_of(limits)
    merged = Timeouts(
        handshake_ms=own.handshake_ms or common.handshake_ms,
        header_ms=own.header_ms or common.header_ms,
        body_ms=own.body_ms or common.body_ms,
        idle_ms=own.idle_ms or common.idle_ms,
        request_ms=common.request_ms if own.request_ms is None else own.request_ms or None,
        tunnel_ms=own.tunnel_ms or common.tunnel_ms,
    )
    return None if merged == common else merged


def _pool(site: DesiredSite, desired: Desired) -> Pool:
    servers = tuple(Server(upstream.host, upstream.port) for upstream in site.upstreams)
    own, common = site.timeouts, desired.pool_limits
    return Pool(
        _pool_name(servers),
        servers,
        connect_timeout_ms=own.connect_ms or common.connect_timeout_ms,
        response_timeout_ms=own.first_byte_ms or common.response_timeout_ms,
        idle_timeout_ms=own.upstream_idle_ms or common.idle_timeout_ms,
        connections_per_worker=common.connections_per_worker,
    )


def _pool_name(servers: Sequence[Server]) -> str:
    """Derive the id of a pool from its content, so that sites with equal upstreams share one pool."""
    first, *rest = (_shown(server) for server in servers)
    whole = ",".join((first, *rest))
    if len(whole) <= MAX_POOL_NAME:
        return whole
    return f"{first}+{len(rest)}-{hash_of(Pool('-', tuple(servers)))[:8]}"


def _shown(server: Server) -> str:
    return f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"


def public_port(desired: Desired) -> int:
    """Return the HTTPS port that clients are sent to: the one they would try first, when it is ours."""
    ports = [endpoint.port for endpoint in desired.https]
    return HTTPS_PORT if HTTPS_PORT in ports or not ports else ports[0]


def _listeners(desired: Desired) -> tuple[Listener, ...]:
    return tuple(
        Listener(f"{role}:{at}", role, str(at), https_port)
        for role in Role
        for at, https_port in _endpoints(role, desired)
    )


def _endpoints(role: Role, desired: Desired) -> list[tuple[Endpoint, int]]:
    """Return where a role is listened for, each with the port that its clients use for https."""
    match role:
        case Role.HTTPS:
            return [(at, at.port) for at in _once(desired.https)]
        case Role.REDIRECT:
            return [(at, public_port(desired)) for at in _once(desired.http)]
        case _:
            assert_never(role)


def _once(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return sorted(set(endpoints))
