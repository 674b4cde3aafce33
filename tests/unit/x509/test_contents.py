"""What a file holds that is no chain or no key: each kind is named, and its command really converts it."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pki import NOW, leaf
from port443.core.errors import CertificateError
from port443.core.names import parse_site_name
from port443.core.x509.keys import KeyUnfit, KeyUnreadable, read_key
from port443.core.x509.own import ChainFileEmpty, OwnFiles, check_own
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificate_pem

LEAF = leaf()
WORD = "pass:secret"
OPENSSL: dict[str, tuple[str, str]] = {
    "PKCS#12": (f"pkcs12 -export -in {{pem}} -inkey {{key}} -passout {WORD} -out {{out}}", f"-passin {WORD}"),
    "PKCS#7": ("crl2pkcs7 -nocrl -certfile {pem} -out {out}", ""),
    "PKCS#7 in DER": ("crl2pkcs7 -nocrl -certfile {pem} -outform DER -out {out}", ""),
    "a certificate in DER": ("x509 -in {pem} -outform DER -out {out}", ""),
    "a private key in DER": ("pkey -in {key} -outform DER -out {out}", ""),
    "an encrypted private key": (f"pkey -in {{key}} -aes256 -passout {WORD} -out {{out}}", f"-passin {WORD}"),
    "an encrypted private key in DER": (
        f"pkcs8 -topk8 -in {{key}} -outform DER -passout {WORD} -out {{out}}", f"-passin {WORD}"
    ),
}  # fmt: skip
NO_OUTPUT = {
    "a certificate request": "req -new -key {key} -subj /CN=a.test -out {out}",
    "a certificate request in DER": "req -new -key {key} -subj /CN=a.test -outform DER -out {out}",
    "a public key": "pkey -in {key} -pubout -out {out}",
    "a public key in DER": "pkey -in {key} -pubout -outform DER -out {out}",
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {"pem": tmp_path / "a.pem", "key": tmp_path / "a.key", "out": tmp_path / "it's odd"}
    found["pem"].write_bytes(LEAF.pem)
    found["key"].write_bytes(LEAF.key_pem)
    return found


def openssl(line: str, files: dict[str, Path]) -> None:
    words = [word.format(**files) for word in line.split()]
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def refusal(chain: bytes, chain_path: Path, key: bytes, key_path: Path) -> CertificateError:
    with pytest.raises(CertificateError) as refused:
        check_own(
            OwnFiles(chain_path, chain, key_path, key), (parse_site_name("a.test"),), NOW, TrustedRoots.of(())
        )
    return refused.value


@pytest.mark.parametrize("what", OPENSSL)
def test_the_command_converts_what_was_found(what: str, files: dict[str, Path]) -> None:
    """Each kind is named, and the command that is printed makes a file that is taken."""
    made_by, password = OPENSSL[what]
    openssl(made_by, files)
    content, out = files["out"].read_bytes(), files["out"]
    as_key, as_chain = "key" in what, "key" not in what
    error = refusal(content if as_chain else LEAF.pem, out, content if as_key else LEAF.key_pem, out)
    assert what in error.message
    assert str(out) in error.message
    command = error.hint.removeprefix("convert it: ")
    for tool in ("pkey", "pkcs12"):
        command = command.replace(f"openssl {tool}", f"openssl {tool} {password}") if password else command
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    chain = next(
        (one for one in (Path(f"{out}.pem"), Path(f"{out}.chain.pem")) if as_chain and one.exists()),
        files["pem"],
    )
    key = next(
        (one for one in (Path(f"{out}.pem"), Path(f"{out}.key.pem")) if not as_chain and one.exists()),
        files["key"],
    )
    if what == "PKCS#12":
        key = Path(f"{out}.key.pem")
    pair = OwnFiles(chain, chain.read_bytes(), key, key.read_bytes())
    assert check_own(pair, (parse_site_name("a.test"),), NOW, TrustedRoots.of(())).chain == (LEAF.facts,)


@pytest.mark.parametrize("what", NO_OUTPUT)
@pytest.mark.parametrize("place", ["chain", "key"])
def test_what_no_command_converts_is_named(what: str, place: str, files: dict[str, Path]) -> None:
    openssl(NO_OUTPUT[what], files)
    content = files["out"].read_bytes()
    chain, key = (content, LEAF.key_pem) if place == "chain" else (LEAF.pem, content)
    error = refusal(chain, files["out"], key, files["out"])
    assert f"it is {what}" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (LEAF.pem.decode().encode("utf-16"), "UTF-16"),
        (LEAF.pem[:200], "cut off"),
        (LEAF.pem.split(b"-----")[2], "the base64 of a certificate"),
        (LEAF.pem.split(b"-----")[2].replace(b"\n", b""), "the base64 of a certificate"),
        (b"\xfe\xed\xfe\xed\0\0\0\2", "Java key store"),
        (b"PuTTY-User-Key-File-3: ssh-rsa", "PuTTY"),
        (b"\0\1\2", "neither PEM nor DER"),
        (b"0", "neither PEM nor DER"),
        (b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", "ec parameters"),
    ],
)
def test_other_contents_are_named(content: bytes, what: str, tmp_path: Path) -> None:
    """In the place of the chain and in that of the key alike."""
    path = tmp_path / "x"
    assert what in refusal(content, path, LEAF.key_pem, path).message
    assert what in refusal(LEAF.pem, path, content, path).message


def test_bare_base64_is_converted(tmp_path: Path) -> None:
    """Of many lines and of one."""
    for lines in (LEAF.pem.split(b"-----")[2], LEAF.pem.split(b"-----")[2].replace(b"\n", b"")):
        path = tmp_path / "x"
        path.write_bytes(lines)
        error = refusal(lines, path, LEAF.key_pem, path)
        subprocess.run(["sh", "-c", error.hint.removeprefix("convert it: ")], check=True, capture_output=True)
        assert Path(f"{path}.pem").read_bytes() == LEAF.pem


def test_an_exchanged_pair_is_told_as_one() -> None:
    """The settings to write are in the hint."""
    error = refusal(LEAF.key_pem, Path("/c"), LEAF.pem, Path("/k"))
    assert isinstance(error, ChainFileEmpty)
    assert "exchanged" in error.message
    assert "{chain: /k, key: /c}" in error.hint
    assert "it is a private key" in refusal(LEAF.key_pem, Path("/c"), LEAF.key_pem, Path("/k")).message
    assert "it is a certificate" in refusal(LEAF.pem, Path("/c"), LEAF.pem, Path("/k")).message


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
        (dsa.generate_private_key(1024), "DSA"),  # noqa: S505 - weak on purpose
        (ec.generate_private_key(ec.BrainpoolP256R1()), "brainpoolP256r1"),
        (mldsa.MLDSA44PrivateKey.generate(), "MLDSA44"),
        (rsa.generate_private_key(65537, 1024), "RSA: 1024"),  # noqa: S505 - weak on purpose
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_kind_of_key_that_is_not_supported_is_named(key: ec.EllipticCurvePrivateKey, kind: str) -> None:
    """Not "fits none of the certificates": that the pair fits helps nobody."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyUnfit, match=kind) as refused:
        read_key(pem, Path("k"))
    assert "P-256" in refused.value.hint


def test_an_rsa_key_bound_to_pss_is_named(tmp_path: Path) -> None:
    """A library reads it as any RSA key, and no certificate for it would fit that."""
    made = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
        check=True,
        capture_output=True,
    )
    with pytest.raises(KeyUnfit, match="RSASSA-PSS"):
        read_key(made.stdout, tmp_path)


def test_a_key_file_may_hold_more_than_the_key(tmp_path: Path) -> None:
    """Parameters, certificates and a second key beside it do no harm, in whatever order."""
    other = leaf().key_pem
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    for content in (parameters + LEAF.key_pem, LEAF.pem + LEAF.key_pem, other + LEAF.key_pem):
        pair = OwnFiles(tmp_path, LEAF.pem, tmp_path, content)
        assert check_own(pair, (parse_site_name("a.test"),), NOW, TrustedRoots.of(())).chain == (LEAF.facts,)


def test_a_damaged_key_is_refused() -> None:
    """Its public half is that of the certificate, but what it signs is not good."""
    key = rsa.generate_private_key(65537, 2048)
    own = leaf(key=key)
    numbers = key.private_numbers()
    broken = rsa.RSAPrivateNumbers(
        p=numbers.p, q=numbers.q, d=numbers.d ^ 2, dmp1=numbers.dmp1 ^ 2, dmq1=numbers.dmq1,
        iqmp=numbers.iqmp, public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)  # fmt: skip
    pem = broken.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert own.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    error = refusal(own.pem, Path("c"), pem, Path("k"))
    assert isinstance(error, KeyUnreadable)
    assert "damaged" in error.message


def test_a_certificate_with_openssl_trust_notes_is_read(tmp_path: Path) -> None:
    """`openssl x509 -trustout` writes notes behind the certificate."""
    noted = certificate_pem([LEAF.facts.der + bytes.fromhex("300a300806062b0601050507")])
    content = noted.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE")
    pair = OwnFiles(tmp_path, content, tmp_path, LEAF.key_pem)
    assert check_own(pair, (parse_site_name("a.test"),), NOW, TrustedRoots.of(())).chain == (LEAF.facts,)
