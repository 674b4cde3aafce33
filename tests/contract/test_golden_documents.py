"""Python's half of the promise that both languages judge the contract's documents alike."""

import json
from pathlib import Path

import pytest

from port443.core.contract.read import PARTS, read_document
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import Root, canonical, hash_of, plain
from port443.core.contract.strict_json import BadJson
from port443.core.errors import EdgeError

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
GOOD = sorted((GOLDEN / "good").glob("*.json"))
BAD = sorted((GOLDEN / "bad").glob("*.json"))
LOOSE = sorted((GOLDEN / "loose").glob("*.json"))


def named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_a_good_document_is_written_back_to_its_bytes(path: Path) -> None:
    """What is read from a canonical document is written to the same bytes, and has their hash."""
    raw = path.read_bytes()
    document = read_document(raw)
    assert raw == canonical(document)
    assert hash_of(document) == hash_of(read_document(json.dumps(plain(document)).encode()))


@pytest.mark.parametrize("path", BAD, ids=named)
def test_a_bad_document_is_refused_at_its_place(path: Path) -> None:
    """Each bad document is refused with the error and the path that the file names."""
    case = json.loads(path.read_text())
    with pytest.raises(EdgeError) as caught:
        read_document(case["document"].encode())
    assert isinstance(caught.value, BadJson | DocumentInvalid)
    assert (case["name"], case["path"]) == (caught.value.name, caught.value.path)


@pytest.mark.parametrize("path", LOOSE, ids=named)
def test_another_spelling_is_the_same_document(path: Path) -> None:
    """A document that is not in its canonical form has the hash of its canonical form."""
    case = json.loads(path.read_text())
    assert case["document"] != case["canonical"]
    assert case["canonical"].encode() == canonical(read_document(case["document"].encode()))


def test_the_goldens_cover_every_kind() -> None:
    """Each kind of document stands among the good ones."""
    kinds = {json.loads(path.read_bytes()).get("kind", "root") for path in GOOD}
    assert {*PARTS, "root"} == kinds
    assert any(isinstance(read_document(path.read_bytes()), Root) for path in GOOD)


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
