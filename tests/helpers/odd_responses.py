"""Responses that are legal and as odd as that allows, and what they mean."""

from dataclasses import dataclass

from odd_http import PAYLOAD, Odd, by_name

KNOWN = ("Set-Cookie", "Content-Type", "Location", "Server", "Via", "Vary", "Warning", "WWW-Authenticate")
STATUSES = (200, 201, 203, 206, 299, 301, 307, 400, 404, 418, 451, 500, 503, 599)
INTERIM = (102, 103, 110, 199)
DATE = "Tue, 01 Jan 1980 00:00:00 GMT"
"""What a server says that has its own time; a Date is added where it says none (RFC 9110 §6.6.1)."""


@dataclass(frozen=True)
class Meaning:
    """What a response says, whoever reads it; HTTP/2 has no reason phrase."""

    status: int
    reason: str
    fields: tuple[str, ...]
    body: str


@dataclass(frozen=True)
class Reply:
    """What a server says to one request."""

    method: str
    raw: bytes
    ends: bool
    """Whether it then ends the connection."""
    meant: list[Meaning]
    """The interim responses and the final one."""


class Responses(Odd):
    """Writes the responses of a server that speaks HTTP/1.1 or 1.0."""

    def reply(self) -> Reply:
        method = self.dice.choice(["GET", "GET", "GET", "HEAD", "OPTIONS"])
        interim = [self.interim() for _ in range(self.dice.randrange(3))] if self.happens(0.2) else []
        status = self.dice.choice([204, 304]) if self.happens(0.2) else self.dice.choice(STATUSES)
        final, meaning, ends = self.final(status, has_body=method != "HEAD" and status not in {204, 304})
        raw = "".join([*(raw for raw, _ in interim), final]).encode("latin-1")
        return Reply(method, raw, ends, [*(meant for _, meant in interim), meaning])

    def interim(self) -> tuple[str, Meaning]:
        status, reason, kept = self.dice.choice(INTERIM), self.reason(), self.fields(["Link"])
        lines = [self.spell(*field) for field in kept] + ["Connection: X-Secret", "X-Secret: 1"]
        head = self.head("HTTP/1.1", status, reason, lines)
        return head, Meaning(status, reason.strip(" \t"), by_name(kept), "")

    def final(self, status: int, *, has_body: bool) -> tuple[str, Meaning, bool]:
        version, reason = self.dice.choice(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]), self.reason()
        kept = self.fields(KNOWN) + ([("Date", DATE)] if self.happens(0.5) else [])
        body = self.text(PAYLOAD, 30) if has_body else ""
        framings = ["length", "end"] if version == "HTTP/1.0" else ["length", "chunks", "chunks", "end"]
        framing = self.dice.choice(["end"] if status == 204 else framings)
        length = len(body) if has_body else self.dice.randrange(100)
        framed = self.framed(framing, length)
        stays, options = self.connection(version)
        lines = [self.spell(*field) for field in kept]
        for line in [*framed, *options]:
            lines.insert(self.dice.randrange(len(lines) + 1), line)
        head = self.head(version, status, reason, lines)
        payload = self.chunks(body) if framing == "chunks" and has_body else body
        known = [("content-length", str(length))] if framing == "length" else []
        meaning = Meaning(status, reason.strip(" \t"), by_name(kept + known), body)
        return head + payload, meaning, not stays or (has_body and framing == "end")

    def framed(self, framing: str, length: int) -> list[str]:
        """Write the field that tells where the body ends; answers to HEAD and 304 may have one too."""
        fields = {
            "length": [f"cONTENT-lENGTH: {self.length(length)}"],
            "chunks": ["TRANSFER-Encoding:\tChunKed "],
        }
        return fields.get(framing, [])

    def connection(self, version: str) -> tuple[bool, list[str]]:
        """Say whether the connection stays, and name a field of its own; names come in any case."""
        says_close = self.happens(0.2)
        says_stay = not says_close and self.happens(0.3)
        options = ["close"] * says_close + ["Keep-Alive"] * says_stay
        lines = [f"Connection: ,{', ,'.join([*options, 'x-SECRET'])}", "X-Secret: 1", "Keep-Alive: timeout=9"]
        if not self.happens(0.3):
            lines = [f"Connection: {option}" for option in options]
        return says_stay or (version == "HTTP/1.1" and not says_close), lines

    def reason(self) -> str:
        # Python takes \x85 and \xa0 at its end for white space.
        return self.dice.choice(["OK", "", " ", "200", "a: b", self.text("ab \t:;/\x80\xe9\xff", 20)])

    def head(self, version: str, status: int, reason: str, lines: list[str]) -> str:
        # Some servers leave out the space of an empty reason.
        space = " " if reason or self.happens(0.5) else ""
        return "\r\n".join([f"{version} {status}{space}{reason}", *lines, "", ""])
