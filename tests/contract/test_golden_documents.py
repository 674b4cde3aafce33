"""Python's half of the promise that both languages judge the contract's documents alike."""

import json

import pytest

import golden
from port443.core.contract.read import PARTS, read_document
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import Root, canonical, hash_of, plain
from port443.core.contract.strict_json import BadJson
from port443.core.errors import EdgeError

GOOD, BAD, LOOSE = golden.good(), golden.bad(), golden.loose()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_document_is_written_back_to_its_bytes(name: str) -> None:
    """What is read from a canonical document is written to the same bytes, and has their hash."""
    raw = GOOD[name].encode()
    document = read_document(raw)
    assert raw == canonical(document)
    assert hash_of(document) == hash_of(read_document(json.dumps(plain(document)).encode()))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_at_its_place(name: str) -> None:
    """Each bad document is refused with the error and the path that its case names."""
    case = BAD[name]
    with pytest.raises(EdgeError) as caught:
        read_document(case["document"].encode())
    assert isinstance(caught.value, BadJson | DocumentInvalid)
    assert (case.get("error", "document_invalid"), case["path"]) == (caught.value.name, caught.value.path)


@pytest.mark.parametrize("case", LOOSE, ids=lambda case: case["name"])
def test_another_spelling_is_the_same_document(case: dict[str, str]) -> None:
    """A document that is not in its canonical form has the hash of its canonical form."""
    wanted = GOOD[case["base"]]
    assert case["document"] != wanted
    assert wanted.encode() == canonical(read_document(case["document"].encode()))


def test_each_bad_document_has_a_name_of_its_own() -> None:
    """A case is found by its name, in lines that are sorted by it."""
    names = [case["name"] for case in json.loads((golden.GOLDEN / "bad.json").read_text())]
    assert sorted(set(names)) == names


def test_the_goldens_cover_every_kind() -> None:
    """Each kind of document stands among the good ones."""
    kinds = {json.loads(text).get("kind", "root") for text in GOOD.values()}
    assert {*PARTS, "root"} == kinds
    assert any(isinstance(read_document(text.encode()), Root) for text in GOOD.values())


@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'"\xc3"', b"", b"[" * 100_000])
def test_bytes_that_are_no_utf8_json_are_refused(raw: bytes) -> None:
    """UTF-16, a byte order mark, half a character, nothing, and nesting without end are no JSON."""
    with pytest.raises(BadJson):
        read_document(raw)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"1", b'"root"', b"true"])
def test_a_document_is_an_object(raw: bytes) -> None:
    """JSON that is no object is no document."""
    with pytest.raises(DocumentInvalid, match="must be an object"):
        read_document(raw)
