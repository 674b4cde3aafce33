"""A server of one handshake, made of the same parts: it can also lie, which real servers do not."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from port443.core.probe.hellos import ENTROPY, Hello, Offer, build
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import Extension, ExtensionType, alpn, encode_extensions
from port443.core.wire.groups import X25519
from port443.core.wire.key_share import HYBRIDS, MLKEM768, MLKEM1024, SEED, key_share
from port443.core.wire.messages import MessageType
from port443.core.wire.proof import SERVER_CONTEXT
from port443.core.wire.protection import Protector
from port443.core.wire.reading import Reader, vector
from port443.core.wire.records import ContentType, Message, records
from port443.core.wire.schedule import SUITES_13, Schedule, Transcript
from port443.core.wire.server_hello import RETRY_RANDOM, ServerHello
from port443.core.wire.versions import Version

OFFER = Offer(Version.TLS_1_3, (0x1301, 0x1302, 0x1303), share_groups=(X25519,))
ECDSA_SHA256 = 0x0403
KEM_KEYS = {MLKEM768: 1184, MLKEM1024: 1568}
"""Bytes of the public keys (FIPS 203)."""


@cache
def key(number: int = 1) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number + 10**6, ec.SECP256R1())


@cache
def certificate(number: int = 1) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"twin {number}")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        name, name, key(number).public_key(), number, begin, begin + timedelta(90)
    )
    return builder.sign(key(number), hashes.SHA256()).public_bytes(Encoding.DER)


def shares_of(hello: ClientHello) -> dict[int, bytes]:
    """Return the public keys that a ClientHello offers, by their groups."""
    body = next(e.body for e in hello.extensions or () if e.kind == ExtensionType.KEY_SHARE)
    reader = Reader(Reader(body, "the shares").vector(2), "the shares")
    found = {}
    while reader.left:
        group = reader.number(2)
        found[group] = reader.vector(2)
    return found


def answer_share(group: int, peer: bytes) -> tuple[bytes, bytes]:
    """Return a server's share and the secret: a KEM answers with a ciphertext, all others with a key."""
    if group in HYBRIDS:
        classical, kem = HYBRIDS[group]
        kem_first = classical == X25519
        size = KEM_KEYS[kem]
        at = size if kem_first else len(peer) - size
        parts = (peer[:at], peer[at:])
        sealed = answer_share(kem, parts[0] if kem_first else parts[1])
        plain = answer_share(classical, parts[1] if kem_first else parts[0])
        first, second = (sealed, plain) if kem_first else (plain, sealed)
        return first[0] + second[0], first[1] + second[1]
    if group in KEM_KEYS:
        kind = mlkem.MLKEM768PublicKey if KEM_KEYS[group] == 1184 else mlkem.MLKEM1024PublicKey
        secret, ciphertext = kind.from_public_bytes(peer).encapsulate()
        return ciphertext, secret
    share = key_share(group, bytes(range(SEED)))
    return share.public, share.shared(peer)


def client(offer: Offer = OFFER) -> Hello:
    return build(offer, None, bytes(range(256))[:ENTROPY])


@dataclass
class Twin:
    """What the server does; the defaults are right."""

    suite: int = 0x1301
    signer: ec.EllipticCurvePrivateKey = field(default_factory=key)
    leaf: bytes = field(default_factory=certificate)
    finished_is_wrong: bool = False
    protocol: str | None = "h2"
    fragment: int = 2**14
    group: int = X25519
    alter: Callable[[bytes], bytes] = bytes
    """What becomes of each protected message before it is sealed; the transcript has what it became."""
    compresses: bool = False
    """Whether the certificate goes out compressed (RFC 8879)."""
    says: tuple[tuple[ContentType, bytes], ...] = ()
    """What it says behind its flight, under the keys of the application."""

    def retry(self, encoded: bytes) -> bytes:
        """Answer the message of a ClientHello with a retry for the twin's group: a handshake message."""
        named = Extension(ExtensionType.KEY_SHARE, self.group.to_bytes(2))
        return self._hello(ClientHello.parse(encoded), RETRY_RANDOM, named).message()

    def flight(self, encoded: bytes, before: tuple[bytes, bytes] | None = None) -> bytes:
        """Answer the message of a ClientHello with all that a server sends before the client's turn.

        `before` are the first hello and the retry, where there was one.
        """
        hello = ClientHello.parse(encoded)
        public, secret = answer_share(self.group, shares_of(hello)[self.group])
        mine = Extension(ExtensionType.KEY_SHARE, self.group.to_bytes(2) + vector(2, public))
        answer = self._hello(hello, b"s" * 32, mine)
        transcript = Transcript(SUITES_13[self.suite].hash_name)
        if before is not None:
            transcript.add(before[0])
            transcript.retried()
            transcript.add(before[1])
        transcript.add(encoded + answer.message())
        schedule = Schedule(SUITES_13[self.suite], secret, transcript.digest())
        protector = Protector(SUITES_13[self.suite], schedule.server_keys())
        clear = records(ContentType.HANDSHAKE, Version.TLS_1_2, answer.message())
        change = records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01")
        return clear + change + self._protected(transcript, schedule, protector)

    def _hello(self, hello: ClientHello, random: bytes, key: Extension) -> ServerHello:
        chosen = Extension(ExtensionType.SUPPORTED_VERSIONS, Version.TLS_1_3.to_bytes(2))
        return ServerHello(Version.TLS_1_2, random, hello.session_id, self.suite, 0, (chosen, key))

    def _protected(self, transcript: Transcript, schedule: Schedule, protector: Protector) -> bytes:
        extensions = () if self.protocol is None else (alpn((self.protocol,)),)
        said = [self.alter(Message(MessageType.ENCRYPTED_EXTENSIONS, encode_extensions(extensions)).encode())]
        entry = vector(3, self.leaf) + vector(2, b"")
        plain = b"\x00" + vector(3, entry)
        sent = Message(MessageType.CERTIFICATE, plain)
        if self.compresses:
            packed = b"\x00\x01" + len(plain).to_bytes(3) + vector(3, zlib.compress(plain))
            sent = Message(MessageType.COMPRESSED_CERTIFICATE, packed)
        said.append(self.alter(sent.encode()))
        transcript.add(b"".join(said))
        signature = self.signer.sign(SERVER_CONTEXT + transcript.digest(), ec.ECDSA(hashes.SHA256()))
        proof = Message(MessageType.CERTIFICATE_VERIFY, ECDSA_SHA256.to_bytes(2) + vector(2, signature))
        said.append(self.alter(proof.encode()))
        transcript.add(said[-1])
        finished = schedule.server_finished(transcript.digest())
        if self.finished_is_wrong:
            finished = bytes(len(finished))
        end = Message(MessageType.FINISHED, finished).encode()
        transcript.add(end)
        behind = Protector(SUITES_13[self.suite], schedule.server_application_keys(transcript.digest()))
        whole = b"".join([*said, end])
        parts = [whole[at : at + self.fragment] for at in range(0, len(whole), self.fragment)]
        flight = b"".join(protector.seal(ContentType.HANDSHAKE, part) for part in parts)
        return flight + b"".join(behind.seal(kind, content) for kind, content in self.says)
