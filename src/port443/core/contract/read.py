"""Read the contract's documents: the same checks, in the same places, as the edge's."""

from collections.abc import Iterator
from typing import Any

from port443.core.contract.shape import DocumentInvalid, read_shape
from port443.core.contract.snapshot import (
    Certificate,
    Challenges,
    Document,
    Listener,
    Part,
    Pool,
    PrivateKey,
    Root,
    Site,
    TicketKey,
    TlsPolicy,
)
from port443.core.contract.strict_json import read_json

PARTS: dict[str, type[Part]] = {
    "site": Site,
    "tls_policy": TlsPolicy,
    "pool": Pool,
    "certificate": Certificate,
    "private_key": PrivateKey,
    "ticket_key": TicketKey,
    "challenges": Challenges,
}


def read_document(raw: bytes) -> Document:
    """Read one document: a part when it has a kind, else a root."""
    return document_of(read_json(raw))


def document_of(value: Any) -> Document:
    """Check that decoded JSON is a document."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind is None:
        return _check_root(read_shape(Root, value))
    if not isinstance(kind, str) or kind not in PARTS:
        raise DocumentInvalid("kind", f"must be one of {', '.join(PARTS)}")
    return read_shape(PARTS[kind], value)


def _check_root(root: Root) -> Root:
    for path, why in _root_faults(root):
        raise DocumentInvalid(path, why)
    return root


def _root_faults(root: Root) -> Iterator[tuple[str, str]]:
    """Return the fault between the fields of a root, each of which is valid by itself."""
    yield from _listener_faults(root.listeners)
    parts = set(root.parts)
    for id_, site in root.sites.items():
        if site not in parts:
            yield f"sites.{id_}", "must be one of the parts"
    if root.default_site is not None and root.default_site not in root.sites:
        yield "default_site", "must be one of the sites"
    for index, key in enumerate(root.ticket_keys):
        if key not in parts:
            yield f"ticket_keys[{index}]", "must be one of the parts"
    if root.challenges is not None and root.challenges not in parts:
        yield "challenges", "must be one of the parts"


def _listener_faults(listeners: tuple[Listener, ...]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, listener in enumerate(listeners):
        if listener.id != f"{listener.role}:{listener.address}":
            yield f"listeners[{index}].id", "must be the role, a colon and the address"
        if listener.id in seen:
            yield f"listeners[{index}].id", "is a duplicate"
        seen.add(listener.id)
