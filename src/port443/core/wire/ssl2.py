"""The two hellos of SSL 2.0 (draft-hickman-netscape-ssl-00 §2), which no server should answer any more."""

from dataclasses import dataclass

from port443.core.wire.alerts import Alert
from port443.core.wire.reading import Malformed, Reader
from port443.core.wire.records import ContentType

CLIENT_HELLO, SERVER_HELLO = 1, 4
VERSION = 0x0002
CHALLENGE = 16
MAX_RECORD = 0x7FFF
CIPHERS = {
    0x010080: "SSL_CK_RC4_128_WITH_MD5",
    0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
    0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5",
    0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
    0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5",
    0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
    0x0700C0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
}


@dataclass(frozen=True, slots=True)
class SSL2ServerHello:
    """The content of a SERVER-HELLO."""

    certificate: bytes
    ciphers: tuple[int, ...]


def client_hello(challenge: bytes) -> bytes:
    """Write the hello that offers every cipher of SSL 2.0."""
    codes = b"".join(code.to_bytes(3) for code in CIPHERS)
    body = bytes((CLIENT_HELLO,)) + VERSION.to_bytes(2)
    body += len(codes).to_bytes(2) + (0).to_bytes(2) + len(challenge).to_bytes(2) + codes + challenge
    return (0x8000 | len(body)).to_bytes(2) + body


def read_answer(octets: bytes) -> SSL2ServerHello | Alert | None:
    """Parse the received bytes: None when more are needed. A TLS server may answer with an alert of TLS."""
    if len(octets) < 7:
        return None
    if octets[0] == ContentType.ALERT and octets[1] == 3:
        return Alert.parse(octets[5:7])
    head = int.from_bytes(octets[:2])
    if not head & 0x8000:
        raise Malformed("the answer is neither SSL 2.0 nor TLS")
    if len(octets) < 2 + (head & MAX_RECORD):
        return None
    return _server_hello(octets[2 : 2 + (head & MAX_RECORD)])


def _server_hello(body: bytes) -> SSL2ServerHello:
    reader = Reader(body, "the SERVER-HELLO of SSL 2.0")
    kind, _hit, _type, version = reader.number(1), reader.number(1), reader.number(1), reader.number(2)
    if kind != SERVER_HELLO or version != VERSION:
        raise Malformed("the answer is no SERVER-HELLO of SSL 2.0")
    certificate, ciphers, connection = reader.number(2), reader.number(2), reader.number(2)
    found = reader.take(certificate)
    codes = reader.take(ciphers)
    reader.take(connection)
    reader.end()
    if len(codes) % 3:
        raise Malformed("the SERVER-HELLO of SSL 2.0 has half a cipher")
    return SSL2ServerHello(found, tuple(int.from_bytes(codes[at : at + 3]) for at in range(0, len(codes), 3)))
