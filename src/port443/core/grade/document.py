"""A report as a JSON document: `port443.scan/1`. Fields are only ever added within /1."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from port443.core.der import DERMalformed
from port443.core.grade.catalogue import RULE_OF
from port443.core.grade.compare import compare_addresses, shared_ticket_keys
from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.fold import Finding, Grade, NextStep
from port443.core.grade.hsts import NOT_FOR_ADDRESSES
from port443.core.grade.observatory import AS_OF, observe
from port443.core.grade.policy import Tolerance
from port443.core.grade.post_quantum import post_quantum
from port443.core.grade.report import Failure, Report
from port443.core.grade.requirement import Assessment, Baseline
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.grade.tolerance import assess_tolerantly
from port443.core.names import IPName
from port443.core.probe.facts import GroupFacts, SchemeFacts, Trait, VersionFacts
from port443.core.wire.groups import group_name, scheme_name
from port443.core.x509.directory_name import DirectoryName
from port443.core.x509.facts import CertFacts

SCHEMA = "port443.scan/1"
Tolerated: TypeAlias = Mapping[str, Tolerance]
NOTHING: Tolerated = {}
Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | bool | None"
Document: TypeAlias = dict[str, Value]


def scan_document(
    results: Sequence[tuple[Report | Failure, int]],
    version: str,
    started: datetime,
    baselines: Sequence[Baseline] = (),
    tolerated: Tolerated = NOTHING,
) -> Document:
    """Write the document of one run: its targets, each with its exit code."""
    baseline = SSL_LABS_2009R
    return {
        "schema": SCHEMA,
        "tool": f"port443 {version}",
        "ruleset": {
            "id": baseline.id,
            "title": baseline.title,
            "as_of": baseline.as_of.isoformat(),
            "source": "; ".join(source.title for source in baseline.sources),
            "secondary": baseline.is_secondary,
        },
        "started": _moment(started),
        "targets": [_target(result, exit_code, baselines, tolerated) for result, exit_code in results],
    }


def with_comparisons(document: Document, reports: Sequence[Report]) -> Document:
    """Add how the addresses of each name differ, and which targets share a ticket key."""
    comparisons: list[Value] = [
        {
            "target": one.target,
            "addresses": list(one.addresses),
            "differences": [
                {
                    "what": difference.what,
                    "seen": [{"address": address, "value": text} for address, text in difference.seen],
                }
                for difference in one.differences
            ],
        }
        for one in compare_addresses(reports)
    ]
    shared: list[Value] = [list(names) for names in shared_ticket_keys(reports)]
    return {**document, "comparisons": comparisons, "shared_ticket_keys": shared}


def _target(
    result: Report | Failure,
    exit_code: int,
    baselines: Sequence[Baseline],
    tolerated: Tolerated,
) -> Document:
    head: Document = {
        "target": str(result.target),
        "name": result.target.name.text,
        "port": result.target.port,
        "exit_code": exit_code,
        "started": _moment(result.started),
    }
    if isinstance(result, Failure):
        error: Document = {
            "code": result.error.code,
            "message": result.error.message,
            "hint": result.error.hint,
        }
        return {**head, "error": error, "report": None}
    return {**head, "error": None, "report": report_document(result, baselines, tolerated)}


def report_document(
    report: Report, baselines: Sequence[Baseline] = (), tolerated: Tolerated = NOTHING
) -> Document:
    """Make the document of one scan."""
    facts = report.facts
    return {
        "address": report.endpoint.address,
        "port": report.endpoint.port,
        "other_addresses": [other.address for other in report.others],
        "unreached": [
            {"address": one.endpoint.address, "port": one.endpoint.port, "reason": one.error.message}
            for one in report.unreached
        ],
        "took_ms": round(report.took_s * 1000),
        "connections": report.connections,
        "checks": report.judgement.checks,
        "protocols": [_version(version) for version in facts.server.versions],
        "groups": {"tls_1_3": _groups(facts.server.groups_13), "tls_1_2": _groups(facts.server.groups_12)},
        "alpn": facts.server.alpn,
        "application_protocols": [
            {"name": one.name, "taken": one.taken.standing.value, "reason": one.taken.reason}
            for one in facts.server.application_protocols
        ],
        "wants_client_certificate": facts.server.wants_client_certificate,
        "client_authorities": [_authority(der) for der in facts.server.client_authorities],
        "signature_schemes": _schemes(facts.server.schemes),
        "traits": [_trait(trait) for trait in facts.server.traits],
        "chains": [_chain(chain) for chain in facts.chains],
        "http": http_document(facts),
        "post_quantum": _post_quantum(facts),
        "findings": [_finding(one, report.grade, tolerated) for one in report.judgement.findings],
        "undetermined": [
            {
                "id": one.id,
                "severity": one.severity.value,
                "title": one.title,
                "reason": one.reason,
            }
            for one in report.judgement.undetermined
        ],
        "grade": _grade(report.grade),
        "baselines": [
            assessment_document(one)
            for one in assess_tolerantly(baselines, facts, report.judgement, tolerated)
        ],
    }


def baseline_document(baseline: Baseline) -> Document:
    """Make the document of a baseline: its requirements, each with the rule that checks it."""
    return {
        "id": baseline.id,
        "title": baseline.title,
        "since": baseline.since.isoformat(),
        "until": None if baseline.until is None else baseline.until.isoformat(),
        "source": {
            "title": baseline.source.title,
            "address": baseline.source.address,
            "first_hand": baseline.source.is_first_hand,
        },
        "requirements": [
            {
                "key": one.key,
                "text": one.text,
                "where": one.where,
                "level": one.level.value,
                "judged_by": one.test.judged_by,
            }
            for one in baseline.requirements
        ],
    }


def assessment_document(assessment: Assessment) -> Document:
    """Make the document of a server's standing against a baseline."""
    return {
        "id": assessment.baseline.id,
        "title": assessment.baseline.title,
        "standing": assessment.standing.value,
        "results": [
            {
                "key": one.requirement.key,
                "text": one.requirement.text,
                "where": one.requirement.where,
                "level": one.requirement.level.value,
                "standing": one.standing.value,
                "reason": one.reason,
            }
            for one in assessment.results
        ],
    }


def _version(facts: VersionFacts) -> Document:
    return {
        "version": facts.version.label,
        "offered": facts.offered.standing.value,
        "reason": facts.offered.reason,
        "suites_complete": facts.complete.standing.value,
        "own_order": facts.own_order.standing.value,
        "own_order_reason": facts.own_order.reason,
        "suites": [
            {
                "name": choice.suite.name,
                "code": choice.code,
                "bits": choice.suite.bits,
                "key_exchange": choice.suite.key_exchange,
                "authentication": choice.suite.authentication,
                "group": None if choice.group is None else group_name(choice.group),
                "dh_bits": choice.prime_bits,
            }
            for choice in facts.choices
        ],
    }


def _authority(octets: bytes) -> str:
    """Write the name of a CA, or its bytes where it is none."""
    try:
        return str(DirectoryName.read(octets))
    except DERMalformed:
        return octets.hex()


def _schemes(facts: SchemeFacts) -> Document:
    return {
        "version": None if facts.version is None else facts.version.label,
        "names": [scheme_name(code) for code in facts.schemes],
        "complete": facts.complete.standing.value,
        "reason": facts.complete.reason,
    }


def _trait(trait: Trait) -> Document:
    return {
        "id": trait.id,
        "title": trait.title,
        "verdict": trait.verdict.standing.value,
        "reason": trait.verdict.reason,
        "proof": trait.proof.hex(),
    }


def _groups(facts: GroupFacts) -> Document:
    return {
        "names": [group_name(group) for group in facts.groups],
        "complete": facts.complete.standing.value,
        "reason": facts.complete.reason,
    }


def _chain(chain: JudgedChain) -> Document:
    return {
        "seen_in": chain.served.version.label,
        "key_proved": chain.served.key_proved,
        "trusted": chain.verdict.is_trusted,
        "in_order": chain.verdict.is_in_order,
        "missing_issuer": chain.verdict.missing_issuer,
        "ocsp_stapled": chain.served.staple is not None,
        "revocation": None if (known := chain.revocation) is None else known.state.value,
        "revocation_reason": known.reason if known else chain.asked if isinstance(chain.asked, str) else "",
        "certificates": [_certificate(one) for one in chain.verdict.sent],
        "notes": [{"fault": note.fault.value, "message": note.message} for note in chain.verdict.notes],
    }


def _certificate(one: CertFacts) -> Document:
    return {
        "subject": one.subject,
        "issuer": one.issuer,
        "names": [name.text for name in one.names],
        "serial": f"{one.serial:x}",
        "not_before": _moment(one.not_before),
        "not_after": _moment(one.not_after),
        "key": str(one.key),
        "signature": one.signature.name,
        "sha256": one.fingerprint.text,
        "spki_sha256": one.spki.text,
    }


def http_document(facts: ScanFacts) -> Document:
    """Make the document of the two HTTP requests; HSTS is there when browsers apply it."""
    web = facts.web
    policy = web.policy
    of_address = NOT_FOR_ADDRESSES if isinstance(facts.name, IPName) and web.hsts_text is not None else None
    ignored = web.hsts_fault or of_address
    return {
        "hsts": {
            "present": "no" if ignored else web.hsts.standing.value,
            "reason": f"browsers ignore it: {ignored}" if ignored else web.hsts.reason,
            "value": web.hsts_text,
            "max_age_s": None if policy is None else policy.max_age_s,
            "include_subdomains": None if policy is None else policy.include_subdomains,
            "preload": None if policy is None else policy.preload,
        },
        "hops": [
            {"url": hop.url, "status": hop.status, "cookies": list(hop.cookies), "location": hop.location}
            for hop in web.hops
        ],
        "observatory": _observatory(facts),
        "redirect": {
            "to_https": web.redirect.standing.value,
            "reason": web.redirect.reason,
            "closed": web.http_closed,
            "location": web.location,
        },
    }


def _observatory(facts: ScanFacts) -> Document:
    found = observe(facts)
    return {
        "as_of": AS_OF.isoformat(),
        "score": found.score if found.letter else None,
        "grade": found.letter,
        "unseen": found.unseen,
        "tests": [{"test": one.test, "points": one.points, "reason": one.reason} for one in found.tests],
    }


def _finding(finding: Finding, grade: Grade, tolerated: Tolerated) -> Document:
    rule = RULE_OF[finding.id]
    effect = next((cap.letter.value for cap in grade.caps if cap.rule == finding.id), None)
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "title": finding.title,
        "evidence": finding.evidence,
        "why": rule.why,
        "fix": dict(rule.remedy.fixes),
        "references": list(rule.references),
        "grade_effect": effect,
        "tolerated": tolerated[finding.id].words if finding.id in tolerated else None,
    }


def _grade(grade: Grade) -> Document:
    scores, step = grade.scores, grade.next_step
    return {
        "baseline": grade.baseline,
        "letter": None if grade.letter is None else grade.letter.value,
        "withheld": grade.withheld,
        "at_best": grade.at_best,
        "doubts": list(grade.doubts),
        "if_trusted": None if grade.if_trusted is None else grade.if_trusted.value,
        "scores": None
        if scores is None
        else {
            "protocol": scores.protocol,
            "key_exchange": scores.key_exchange,
            "cipher": scores.cipher,
            "total": scores.total,
        },
        "caps": [{"letter": cap.letter.value, "rule": cap.rule, "reason": cap.reason} for cap in grade.caps],
        "next_step": None if step is None else _next_step(step),
    }


def _next_step(step: NextStep) -> Document:
    first = step.remedies[0] if step.remedies else None
    return {
        "letter": step.letter.value,
        "rules": list(step.rules),
        "first": None
        if first is None
        else {"what": first.what, "effort": first.effort.name.lower(), "fix": dict(first.fixes)},
        "then": [remedy.what for remedy in step.remedies[1:]],
    }


def _post_quantum(facts: ScanFacts) -> Document:
    found = post_quantum(facts)
    return {
        "key_exchange": {
            "standing": found.key_exchange.standing.value,
            "reason": found.key_exchange.reason,
            "groups": list(found.groups),
        },
        "authentication": {
            "standing": found.authentication.standing.value,
            "reason": found.authentication.reason,
            "keys": list(found.keys),
        },
    }


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
