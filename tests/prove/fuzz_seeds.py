"""Give the fuzzers of the HTTP codec a beginning: every smuggling case, cut in the middle."""

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[2]
CASES = TOP / "tests" / "smuggling"
CORPUS = TOP / "edge" / "crates" / "edge-http" / "fuzz" / "corpus"


def main() -> None:
    """Write the seeds of each target; those that are there already stay."""
    requests, responses = list(messages("requests")), list(messages("responses"))
    plant("requests", [message + cut(message) for message in requests])
    plant("responses", [message + cut(message) for message in responses])
    bodies = [message.partition(b"\r\n\r\n")[2] for message in requests + responses if b"hunked" in message]
    plant("chunks", [body + b"\x03" for body in bodies])


def messages(name: str) -> Iterator[bytes]:
    """Read what is sent in each case, those of families one by one."""
    document = tomllib.loads((CASES / f"{name}.toml").read_text())
    yield from (case["send"].encode("latin-1") for case in document["case"])
    for family in document["family"]:
        for value in family["with"].values():
            put = value["put"] if isinstance(value, dict) else value
            yield family["send"].replace("{}", put).encode("latin-1")


def cut(message: bytes) -> bytes:
    """Say where the target cuts: in the middle."""
    return (len(message) // 2).to_bytes(2, "little")


def plant(target: str, seeds: list[bytes]) -> None:
    """Write each seed to a file named by its hash, as libFuzzer does."""
    directory = CORPUS / target
    directory.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (directory / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)


if __name__ == "__main__":
    main()
