"""Find the sites whose parts break the contract, so that one of them does not block the others."""

from collections.abc import Iterator

from port443.core.contract.read import document_of
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import Certificate, Challenges, Hash, Part, Site, plain
from port443.core.plan.planner import Plan


def breaches(plan: Plan) -> dict[str, DocumentInvalid]:
    """Return the fault of each site's own parts, by the same rules as the edge's."""
    judged: dict[Hash, DocumentInvalid | None] = {}
    found: dict[str, DocumentInvalid] = {}
    for id_, site in plan.root.sites.items():
        for place, name in _parts(plan, site):
            if name not in judged:
                judged[name] = _judge(plan.parts[name])
            if (fault := judged[name]) and id_ not in found:
                found[id_] = _of_site(id_, place, fault)
    for id_, place, part in _challenges(plan):
        if id_ not in found and (fault := _judge(part)):
            found[id_] = _of_site(id_, place, fault)
    return found


def _of_site(id_: str, place: str, fault: DocumentInvalid) -> DocumentInvalid:
    path = ".".join(filter(None, (place, fault.path)))
    return DocumentInvalid(f"site {id_}: {path}", fault.why)


def _parts(plan: Plan, site: Hash) -> Iterator[tuple[str, Hash]]:
    part = plan.parts[site]
    yield "", site
    if isinstance(part, Site):
        yield from (("tls", part.tls), ("pool", part.pool))
        for index, name in enumerate(part.certificates):
            yield f"certificates[{index}]", name
            certificate = plan.parts[name]
            if isinstance(certificate, Certificate):
                yield f"certificates[{index}].key", certificate.key


def _challenges(plan: Plan) -> Iterator[tuple[str, str, Part]]:
    """Yield each challenge by itself, and what it is answered with, with its site."""
    for name, shown in plan.challenges.tls_alpn.items():
        yield shown.site, "challenges", Challenges({name: shown}, {})
        certificate = plan.parts[shown.certificate]
        yield shown.site, f"challenges.tls_alpn.{name}.certificate", certificate
        if isinstance(certificate, Certificate):
            yield shown.site, f"challenges.tls_alpn.{name}.certificate.key", plan.parts[certificate.key]
    for token, answer in plan.challenges.http.items():
        yield answer.site, "challenges", Challenges({}, {token: answer})


def _judge(part: Part) -> DocumentInvalid | None:
    try:
        document_of(plain(part))
    except DocumentInvalid as fault:
        return fault
    return None
