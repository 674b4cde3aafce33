"""Find the sites whose parts break the contract, so that one of them does not block the others."""

from collections.abc import Iterator

from port443.core.contract.read import document_of
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import Certificate, Hash, Part, Site, plain
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
                path = ".".join(filter(None, (place, fault.path)))
                found[id_] = DocumentInvalid(f"site {id_}: {path}", fault.why)
    return found


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


def _judge(part: Part) -> DocumentInvalid | None:
    try:
        document_of(plain(part))
    except DocumentInvalid as fault:
        return fault
    return None
