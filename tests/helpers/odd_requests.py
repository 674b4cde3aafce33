"""Requests that are legal and as odd as that allows, and what they mean."""

from dataclasses import dataclass

import http2_frames as h2
from odd_http import PAYLOAD, Odd, by_name
from web import NAME

KNOWN = ("Accept", "User-Agent", "If-Match", "Range", "Authorization", "Content-Type", "Via")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT", "M-SEARCH")
PATH_PIECES = ("a", "%2f", "%00", "/", "..", "//", "~!$&'()*+,;=:@", "?", "[]", "|", '"')


@dataclass(frozen=True)
class Meaning:
    """What a request says, whoever reads it."""

    method: str
    target: str
    host: str
    fields: tuple[str, ...]
    body: str


class Requests(Odd):
    """What requests of every version have in common."""

    def path(self, method: str) -> str:
        if method == "OPTIONS" and self.happens(0.3):
            return "*"
        return "/" + "".join(self.dice.choices(PATH_PIECES, k=self.dice.randrange(12)))

    def body(self) -> str:
        return self.text(PAYLOAD, 30) if self.happens(0.5) else ""


class Http1Requests(Requests):
    """Writes requests of HTTP/1.1."""

    def request(self) -> tuple[bytes, Meaning]:
        method, kept, body = self.dice.choice(METHODS), self.fields(KNOWN), self.body()
        path = self.path(method)
        is_absolute = path != "*" and self.happens(0.2)
        target = f"http://{NAME}{path}" if is_absolute else path
        framing, payload = self.framed(body)
        rest = [*self.hop_by_hop(), *framing, f"hOsT:\t{NAME} "]
        self.dice.shuffle(rest)
        lines = [self.spell(*field) for field in kept]
        for line in rest:
            lines.insert(self.dice.randrange(len(lines) + 1), line)
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
        return (head + payload).encode("latin-1"), Meaning(method, path, NAME, by_name(kept), body)

    def hop_by_hop(self) -> list[str]:
        lines = ["Connection: X-Secret, keep-alive", "X-Secret: 1", "TE: trailers", "Keep-Alive: 9"]
        return lines if self.happens(0.3) else []

    def framed(self, body: str) -> tuple[list[str], str]:
        if not body and self.happens(0.5):
            return [], ""
        if self.happens(0.5):
            return [f"Content-Length: {self.length(len(body))}"], body
        return ["Transfer-Encoding: Chunked"], self.chunks(body)


@dataclass(frozen=True)
class Http2Request:
    """A request as it goes in frames."""

    fields: list[tuple[str, str]]
    pieces: list[str]
    trailers: list[tuple[str, str]]
    is_odd: bool
    """Whether its header block comes in two frames and its payload with padding."""

    def frames(self, stream: int) -> bytes:
        """Write it on a stream; its last frame ends it."""
        ends = 0 if self.pieces or self.trailers else h2.END_STREAM
        found = self._head(stream, h2.block(*self.fields), ends)
        for number, piece in enumerate(self.pieces, 1):
            ends = h2.END_STREAM if number == len(self.pieces) and not self.trailers else 0
            payload = piece.encode("latin-1")
            if self.is_odd:
                payload, ends = b"\x07" + payload + bytes(7), ends | h2.PADDED
            found += h2.frame(h2.DATA, ends, stream, payload)
        if self.trailers:
            found += self._head(stream, h2.block(*self.trailers), h2.END_STREAM)
        return found

    def _head(self, stream: int, block: bytes, flags: int) -> bytes:
        if not self.is_odd:
            return h2.frame(h2.HEADERS, flags | h2.END_HEADERS, stream, block)
        at = len(block) // 2
        return h2.frame(h2.HEADERS, flags, stream, block[:at]) + h2.frame(
            h2.CONTINUATION, h2.END_HEADERS, stream, block[at:]
        )


class Http2Requests(Requests):
    """Makes requests of HTTP/2."""

    def request(self) -> tuple[Http2Request, Meaning]:
        method, body = self.dice.choice(METHODS), self.body()
        path, host = self.path(method), self.dice.choice([NAME, NAME.upper(), f"{NAME}:443"])
        pieces, plain = self.framed(body)
        kept = [(name.lower(), value) for name, value in self.fields(KNOWN)]
        kept += [("expect", "100-continue")] if body and self.happens(0.1) else []
        cookies = [self.cookie() for _ in range(self.dice.randrange(4))]
        plain += kept + ([("te", "trailers")] if self.happens(0.3) else [])
        places = sorted(self.dice.choices(range(len(plain) + 1), k=len(cookies)))
        for before, (place, cookie) in enumerate(zip(places, cookies, strict=True)):
            plain.insert(before + place, ("cookie", cookie))
        trailers = [("x-trailer", "1"), ("x-other", "")] if self.happens(0.2) else []
        fields = [*self.pseudo(method, path), *self.authority(host), *plain]
        # RFC 9113 §8.2.3: pieces of a cookie are one field where HTTP/2 ends; the space behind an
        # empty last one is none of the value (RFC 9110 §5.5).
        meant = kept + ([("cookie", "; ".join(cookies).rstrip())] if cookies else [])
        sent = Http2Request(fields, pieces, trailers, is_odd=self.happens(0.3))
        return sent, Meaning(method, path, host, by_name(meant), body)

    def pseudo(self, method: str, path: str) -> list[tuple[str, str]]:
        fields = [(":method", method), (":scheme", "https"), (":path", path)]
        self.dice.shuffle(fields)
        return fields

    def authority(self, host: str) -> list[tuple[str, str]]:
        """Say the host in the pseudo-field, in the field, or in both (RFC 9113 §8.3.1)."""
        pseudo = (":authority", host)
        return self.dice.choice([[pseudo], [("host", host)], [pseudo, ("host", host.swapcase())]])

    def cookie(self) -> str:
        return self.dice.choice(["", "=", "a", self.text("abZ", 4) + "=" + self.text('0;, "', 4)]).strip()

    def framed(self, body: str) -> tuple[list[str], list[tuple[str, str]]]:
        """Cut a body in frames, some without payload, and perhaps tell its length."""
        pieces = self.cut(body) + ([""] if self.happens(0.2) else [])
        return pieces, [("content-length", self.length(len(body)))] if self.happens(0.5) else []
