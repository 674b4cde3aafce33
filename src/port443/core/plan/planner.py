"""Desired state to snapshot: pure, so that equal states have equal hashes."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, assert_never

from port443.core.acme.challenges import HttpAnswer, PendingAnswer, TlsAlpnAnswer
from port443.core.contract.bounds import MAX_CHALLENGES, MAX_TICKET_KEYS
from port443.core.contract.snapshot import (
    Certificate,
    Challenges,
    Hash,
    Hsts,
    HttpChallenge,
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
    TlsAlpnChallenge,
    TlsPolicy,
    hash_of,
)
from port443.core.contract.tls_names import Role
from port443.core.names import Endpoint, HostName, IPName
from port443.core.plan.desired import Credential, Desired, DesiredSite, SiteNeeds, SiteTimeouts
from port443.core.plan.hsts import HstsStep, header_of
from port443.core.plan.policies import POLICIES
from port443.core.plan.written import timeout_setting

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

    @property
    def challenges(self) -> Challenges:
        """The ACME challenges that are answered."""
        part = self.parts.get(self.root.challenges) if self.root.challenges else None
        return part if isinstance(part, Challenges) else Challenges({}, {})

    def answering(self, answers: Mapping[str, Sequence[PendingAnswer]]) -> "Plan":
        """Return the plan with these challenges answered, by site id, and all else as it is.

        More of one kind than the contract allows are passed over.
        """
        before = set(_challenge_parts(self))
        rest = {name: part for name, part in self.parts.items() if name not in before}
        added = _Parts()
        challenges = added.add_challenges(answers)
        parts = {*self.root.parts} - before | {*added.by_hash}
        root = replace(self.root, challenges=challenges, parts=tuple(sorted(parts)))
        return Plan(root, rest | added.by_hash)


def _challenge_parts(plan: Plan) -> Iterator[Hash]:
    """Yield what only the challenges need."""
    if plan.root.challenges:
        yield plan.root.challenges
    for challenge in plan.challenges.tls_alpn.values():
        yield challenge.certificate
        certificate = plan.parts.get(challenge.certificate)
        if isinstance(certificate, Certificate):
            yield certificate.key


def plan(
    desired: Desired,
    needs: Mapping[str, SiteNeeds],
    *,
    hsts_steps: Mapping[str, HstsStep] | None = None,
    ticket_keys: Sequence[TicketKey | Hash] = (),
) -> Plan:
    """Return the snapshot of the desired state, with what is known of the needs of its sites.

    `needs` and `hsts_steps` are by site id. A site without a credential has no certificate: the edge keeps
    its last good version, or refuses its names. One without a step has the ladder's first. Ticket keys are
    ordered newest first; one that the edge holds already may be given by its hash alone. More of them than
    the contract allows are ignored, and so are more challenges.
    """
    parts = _Parts()
    steps = hsts_steps or {}
    sites = {
        site.id: parts.add_site(
            site, desired, needs.get(site.id, NOTHING), header_of(site, steps.get(site.id))
        )
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
    return Plan(root, parts.by_hash).answering(
        {site: need.answers for site, need in needs.items() if site in sites}
    )


class _Parts:
    """The parts of one plan; equal ones are one part."""

    def __init__(self) -> None:
        self.by_hash: dict[Hash, Part] = {}

    def add(self, part: Part) -> Hash:
        name = hash_of(part)
        self.by_hash[name] = part
        return name

    def add_site(self, site: DesiredSite, desired: Desired, needs: SiteNeeds, hsts: Hsts | None) -> Hash:
        part = Site(
            id=site.id,
            names=_spelled(site.names),
            tls=self.add(_policy(site, needs.client_roots)),
            certificates=(self._add_credential(needs.credential),) if needs.credential else (),
            pool=self.add(_pool(site, desired)),
            hsts=hsts,
            redirect_cacheable=not any(_is_local(name) for name in site.names),
            limits=site.limits,
            timeouts=_timeouts(site.timeouts, desired.limits),
        )
        return self.add(part)

    def add_challenges(self, answers: Mapping[str, Sequence[PendingAnswer]]) -> Hash | None:
        tls_alpn: dict[str, TlsAlpnChallenge] = {}
        http: dict[str, HttpChallenge] = {}
        for site in sorted(answers):
            for answer in answers[site]:
                match answer:
                    case TlsAlpnAnswer() if len(tls_alpn) < MAX_CHALLENGES:
                        tls_alpn[answer.server_name] = TlsAlpnChallenge(site, self._add_shown(answer))
                    case HttpAnswer() if len(http) < MAX_CHALLENGES:
                        http[answer.token] = HttpChallenge(site, answer.key_authorisation)
                    case _:
                        pass
        return self.add(Challenges(tls_alpn, http)) if tls_alpn or http else None

    def _add_shown(self, answer: TlsAlpnAnswer) -> Hash:
        key = self.add(PrivateKey(_base64(answer.key_pkcs8)))
        return self.add(Certificate((answer.server_name,), tuple(map(_base64, answer.chain)), key))

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
    """Return the time-outs of a site without its own."""
    return Timeouts(**{field.name: getattr(limits, field.name) for field in fields(Timeouts)})


def _timeouts(own: SiteTimeouts, limits: Limits) -> Timeouts | None:
    common = timeouts_of(limits)
    wishes = ((field.name, getattr(own, f"{timeout_setting(field.name)}_ms")) for field in fields(Timeouts))
    given: dict[str, Any] = {name: wish or None for name, wish in wishes if wish is not None}
    merged = replace(common, **given)
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
