"""The status document: what runs, and whether it is what was meant."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from port443.app.converge import Converged
from port443.app.local_ca import jitter_of
from port443.core.plan.desired import DesiredSite, HstsFixed, OwnCertificate
from port443.core.plan.receipt import SiteQuarantined
from port443.core.plan.stats import EdgeStats
from port443.core.renew.when import renew_at
from port443.core.x509.facts import CertFacts
from port443.ports import EdgeIdentity

SCHEMA = "port443.status/1"


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """The edge at the moment of asking."""

    identity: EdgeIdentity
    adopted: bool
    stats: EdgeStats


@dataclass(frozen=True, slots=True)
class ServeSeen:
    """The control plane at the moment of asking."""

    now: datetime
    facts: Mapping[str, Any]
    """What does not change while it runs: version, pid, directories."""
    last_reload: Mapping[str, Any] | None


def status_document(serve: ServeSeen, edge: EdgeSeen, round_: Converged) -> dict[str, Any]:
    """Return the document that `port443 status --json` prints."""
    identity = edge.identity
    return {
        "schema": SCHEMA,
        "at": _text(serve.now),
        **serve.facts,
        "edge": {**dataclasses.asdict(identity), "adopted": edge.adopted},
        "listeners": [{"id": id_, "state": state} for id_, state in sorted(round_.receipt.listeners.items())],
        "sites": [_site(site, round_, serve.now) for site in round_.desired.sites],
        "last_round": {"at": _text(round_.at), "changes": list(round_.changes)},
        "last_reload": serve.last_reload,
        "problems": _problems(round_, identity, serve.last_reload),
        "stats": dataclasses.asdict(edge.stats),
    }


def _site(site: DesiredSite, round_: Converged, now: datetime) -> dict[str, Any]:
    state = round_.receipt.sites.get(site.id)
    proofs = [proof for proof in round_.proofs if proof.site == site.id]
    if state is None:
        shown = "left_out"
    else:
        shown = "quarantined" if isinstance(state, SiteQuarantined) else "running"
    return {
        "id": site.id,
        "names": [str(name) for name in site.names],
        "state": shown,
        "upstreams": [f"{server.host}:{server.port}" for server in site.upstreams],
        "tls": site.tls,
        "certificate": _certificate(site, round_, now),
        "hsts": _hsts(site, round_),
        "proofs": [
            {
                "endpoint": str(proof.endpoint),
                "name": proof.name,
                "verdict": proof.verdict,
                "detail": proof.detail,
                "at": _text(proof.at),
            }
            for proof in proofs
        ],
    }


def _certificate(site: DesiredSite, round_: Converged, now: datetime) -> dict[str, Any] | None:
    credential = round_.credentials.get(site.id)
    if credential is None:
        return None
    leaf = CertFacts.from_der(credential.chain[0])
    own = isinstance(site.certificate, OwnCertificate)
    return {
        "source": "own files" if own else "local CA",
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "names": [str(name) for name in leaf.names],
        "key": str(leaf.key),
        "fingerprint": str(leaf.fingerprint),
        "not_before": _text(leaf.not_before),
        "not_after": _text(leaf.not_after),
        "seconds_left": max(0, int((leaf.not_after - now).total_seconds())),
        "renews_at": None if own else _text(renew_at(leaf, jitter_of(site.id))),
    }


def _hsts(site: DesiredSite, round_: Converged) -> dict[str, Any]:
    if isinstance(site.hsts, HstsFixed):
        return {"from": "settings", **dataclasses.asdict(site.hsts)}
    if site.hsts == "off":
        return {"from": "settings", "max_age_s": None}
    step = round_.ladder[site.id]
    return {"from": "ladder", "max_age_s": step.max_age_s, "step": step.step, "since": _text(step.since)}


def _problems(
    round_: Converged, identity: EdgeIdentity, last_reload: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """List what is not as it was meant to be, each with its cause in one sentence."""
    found = [
        {"code": fault.code, "about": site, "cause": fault.message, "hint": fault.hint}
        for site, fault in round_.faults.items()
    ]
    found += [
        {"code": state.code, "about": site, "cause": f"{state.path}: {state.message}", "hint": ""}
        for site, state in round_.receipt.quarantined.items()
    ]
    found += [
        {
            "code": "served_is_not_issued" if proof.verdict == "different" else "not_proved",
            "about": f"{proof.name} on {proof.endpoint}",
            "cause": proof.detail,
            "hint": "",
        }
        for proof in round_.proofs
        if proof.verdict != "same"
    ]
    if last_reload and not last_reload["ok"]:
        found.append(
            {"code": last_reload["code"], "about": "reload", "cause": last_reload["message"], "hint": ""}
        )
    if not identity.boot_copy_in_memory:
        found.append(
            {
                "code": "runtime_not_in_memory",
                "about": "runtime directory",
                "cause": "the edge's boot copy, which holds keys, lies on a disk",
                "hint": "give serve a --runtime directory on a tmpfs, such as /run/port443",
            }
        )
    return found


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
