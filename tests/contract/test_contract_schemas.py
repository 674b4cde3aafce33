"""What is generated from the Python side of the contract is fresh; schemas say no less than they can."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import golden
from build import files
from json_schema import schemas
from port443.core.contract.events import (
    EVENTS,
    Event,
    EventBody,
    event_of,
)
from port443.core.contract.reasons import (
    HandshakeFailure,
    Http2Cutoff,
    QuarantineCode,
    RequestRefusal,
    TlsFailure,
    UpstreamFailure,
)
from port443.core.contract.shape import DocumentInvalid

CONTRACT = Path(__file__).parents[2] / "contract"
GOOD, BAD = golden.good(), golden.bad()
# What JSON Schema has no word for: how names, addresses and numbers are spelled, order, what refers to what.
BEYOND_SCHEMA = (
    "json_", "integer_with_", "integer_minus_zero", "name_", "site_id_", "site_names_unsorted",
    "root_address_", "root_listener_id_differs", "root_listener_twice", "root_parts_unsorted", "root_site_",
    "root_default_site_", "root_ticket_key_not_in_parts", "pool_host_", "pool_id_too_long",
    "certificate_names_unsorted", "certificate_chain_not_base64", "certificate_chain_url_base64",
    "certificate_chain_no_padding", "certificate_chain_stray_bit", "certificate_chain_line_break",
    "certificate_chain_entry_empty", "tls_policy_client_root_empty", "private_key_not_base64",
    "private_key_empty", "ticket_key_", "challenge_key_authorisation_line_end",
    "challenge_server_name_", "challenge_site_", "root_challenges_not_in_parts",
)  # fmt: skip


def stored(name: str) -> Any:
    return json.loads((CONTRACT / name).read_text())


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_what_is_generated_is_fresh(path: Path) -> None:
    """The file holds what the Python side says; `make contract` writes it anew."""
    assert path.read_text() == files()[path], "make contract"


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(stored(name))


@pytest.mark.parametrize("name", GOOD)
def test_the_schema_takes_good_documents(name: str) -> None:
    jsonschema.Draft202012Validator(stored("snapshot.schema.json")).validate(json.loads(GOOD[name]))


@pytest.mark.parametrize("name", [name for name in BAD if not name.startswith(BEYOND_SCHEMA)])
def test_the_schema_refuses_bad_documents(name: str) -> None:
    """Whatever JSON Schema can say about a bad document, this one says."""
    document = json.loads(BAD[name]["document"])
    assert not jsonschema.Draft202012Validator(stored("snapshot.schema.json")).is_valid(document)


def test_the_schema_says_what_fields_are_for() -> None:
    """Docstrings of dataclasses and of their fields are the schema's descriptions."""
    listener = stored("snapshot.schema.json")["$defs"]["Listener"]
    assert listener["description"] == "One address that the edge accepts connections on."
    assert "redirects" in listener["properties"]["https_port"]["description"]


def event_line(name: str) -> dict[str, Any]:
    """Return a line of every field's own kind, made from the schema alone."""
    shape = stored("events.schema.json")["$defs"][name]
    kinds = {"string": "x", "integer": 1, "boolean": True}
    samples = {"^[0-9a-f]{64}$": "ab" * 32, "^.+:[0-9]{1,5}$": "192.0.2.7:5000"}
    line = {}
    for field, about in shape["properties"].items():
        about = about.get("anyOf", [about])[0]  # noqa: PLW2901
        if "$ref" in about:
            about = stored("events.schema.json")["$defs"][about["$ref"].rpartition("/")[2]]  # noqa: PLW2901
        known = about.get("const") or about.get("enum", [None])[0] or samples.get(about.get("pattern"))
        line[field] = known or kinds[about["type"]]
    return line


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_of_the_schema_is_read(name: str) -> None:
    """A line that the schema takes becomes the event of its name."""
    line = event_line(name)
    jsonschema.Draft202012Validator(stored("events.schema.json")).validate(line)
    event = event_of(line)
    assert (event.name, event.number, event.boot, event.at_ms) == (name, 1, "x", 1)
    for field in set(line) - {"name", "number", "boot", "at_ms"}:
        shortened = {key: value for key, value in line.items() if key != field}
        with pytest.raises(DocumentInvalid, match=field):
            event_of(shortened)


@pytest.mark.parametrize("line", [[], {}, {"name": 1}, {"name": "moon_rose"}, {"name": "drain_ended"}])
def test_what_is_no_event_is_refused(line: Any) -> None:
    with pytest.raises(DocumentInvalid):
        event_of(line)


def test_reasons_are_a_closed_set() -> None:
    """A reason that the contract does not know is refused at its field."""
    closed: dict[str, type[StrEnum]] = {
        "handshake_failed": HandshakeFailure,
        "tls_failed": TlsFailure,
        "request_refused": RequestRefusal,
        "http2_cut_off": Http2Cutoff,
        "upstream_failed": UpstreamFailure,
    }
    for name, reasons in closed.items():
        assert stored("events.schema.json")["$defs"][reasons.__name__]["enum"] == [
            each.value for each in reasons
        ]
        with pytest.raises(DocumentInvalid, match="reason"):
            event_of(event_line(name) | {"reason": "bad_luck"})
    with pytest.raises(DocumentInvalid, match="code"):
        event_of(event_line("site_quarantined") | {"code": "bad_luck"})
    assert QuarantineCode.KEY_MISMATCH in stored("events.schema.json")["$defs"]["QuarantineCode"]["enum"]


def test_every_body_has_a_name() -> None:
    bodies = set(EventBody.__args__)
    assert set(EVENTS.values()) == bodies
    assert {Event(1, "b", 1, shape.__new__(shape)).name for shape in bodies} == set(EVENTS)
