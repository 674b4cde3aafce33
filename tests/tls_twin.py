"""A server of one handshake, made of the same parts: it can also lie, which real servers do not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from port443.core.probe.hellos import ENTROPY, Hello, Offer, build
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import Extension, ExtensionType, alpn, encode_extensions
from port443.core.wire.groups import X25519
from port443.core.wire.key_share import SEED, key_share
from port443.core.wire.messages import MessageType
from port443.core.wire.proof import SERVER_CONTEXT
from port443.core.wire.protection import Protector
from port443.core.wire.reading import vector
from port443.core.wire.records import ContentType, Message, records
from port443.core.wire.schedule import SUITES_13, Schedule, Transcript
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version

OFFER = Offer(Version.TLS_1_3, (0x1301, 0x1302, 0x1303), share_groups=(X25519,))
ECDSA_SHA256 = 0x0403


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

    def flight(self, encoded: bytes) -> bytes:
        """Answer the message of a ClientHello with all that a server sends before the client's turn."""
        hello = ClientHello.parse(encoded)
        share = key_share(X25519, bytes(range(SEED)))
        mine = Extension(ExtensionType.KEY_SHARE, X25519.to_bytes(2) + vector(2, share.public))
        chosen = Extension(ExtensionType.SUPPORTED_VERSIONS, Version.TLS_1_3.to_bytes(2))
        answer = ServerHello(Version.TLS_1_2, b"s" * 32, hello.session_id, self.suite, 0, (chosen, mine))
        theirs = next(e.body for e in hello.extensions or () if e.kind == ExtensionType.KEY_SHARE)
        transcript = Transcript(SUITES_13[self.suite].hash_name)
        transcript.add(encoded + answer.message())
        schedule = Schedule(SUITES_13[self.suite], share.shared(theirs[6:38]), transcript.digest())
        protector = Protector(SUITES_13[self.suite], schedule.server_keys())
        clear = records(ContentType.HANDSHAKE, Version.TLS_1_2, answer.message())
        change = records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01")
        return clear + change + self._protected(transcript, schedule, protector)

    def _protected(self, transcript: Transcript, schedule: Schedule, protector: Protector) -> bytes:
        extensions = () if self.protocol is None else (alpn((self.protocol,)),)
        said = [Message(MessageType.ENCRYPTED_EXTENSIONS, encode_extensions(extensions)).encode()]
        entry = vector(3, self.leaf) + vector(2, b"")
        said.append(Message(MessageType.CERTIFICATE, b"\x00" + vector(3, entry)).encode())
        transcript.add(b"".join(said))
        signature = self.signer.sign(SERVER_CONTEXT + transcript.digest(), ec.ECDSA(hashes.SHA256()))
        said.append(
            Message(MessageType.CERTIFICATE_VERIFY, ECDSA_SHA256.to_bytes(2) + vector(2, signature)).encode()
        )
        transcript.add(said[-1])
        finished = schedule.server_finished(transcript.digest())
        if self.finished_is_wrong:
            finished = bytes(len(finished))
        whole = b"".join([*said, Message(MessageType.FINISHED, finished).encode()])
        parts = [whole[at : at + self.fragment] for at in range(0, len(whole), self.fragment)]
        return b"".join(protector.seal(ContentType.HANDSHAKE, part) for part in parts)
