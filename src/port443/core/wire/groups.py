"""Named groups and signature schemes, by their code points.

Source: the IANA registries "TLS Supported Groups" and "TLS SignatureScheme", as of 2025-11;
written down by hand from the RFCs they name (8422, 8446, 7919, 8734, 9180, 9189, 10024).
"""

GROUPS = {
    1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1",
    7: "sect233r1", 8: "sect239k1", 9: "sect283k1", 10: "sect283r1", 11: "sect409k1", 12: "sect409r1",
    13: "sect571k1", 14: "sect571r1", 15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1",
    19: "secp192r1", 20: "secp224k1", 21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1",
    25: "secp521r1", 26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519",
    30: "x448", 31: "brainpoolP256r1tls13", 32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13",
    34: "GC256A", 35: "GC256B", 36: "GC256C", 37: "GC256D", 38: "GC512A", 39: "GC512B", 40: "GC512C",
    41: "curveSM2", 256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 259: "ffdhe6144",
    260: "ffdhe8192", 512: "MLKEM512", 513: "MLKEM768", 514: "MLKEM1024", 4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024",
}  # fmt: skip
X25519, SECP256R1, SECP384R1, SECP521R1 = 29, 23, 24, 25
X25519MLKEM768 = 4588

HYBRID_GROUPS = (4588, 4587, 4589)
"""Groups in which a post-quantum key exchange is joined to a classical one."""
POST_QUANTUM_GROUPS = (*HYBRID_GROUPS, 513, 514, 512)
GROUPS_13 = (29, 23, 24, 25, 30, *POST_QUANTUM_GROUPS, 31, 32, 33, 256, 257, 258, 259, 260, 41)
"""All that a TLS 1.3 server may choose; the common ones first."""
CURVES_12 = (29, 23, 24, 25, 30, 28, 27, 26, 22, *range(21, 0, -1))
"""All that a server up to TLS 1.2 may choose."""

STRENGTH = {
    **dict.fromkeys(range(1, 4), 80), **dict.fromkeys(range(15, 18), 80), 4: 96, 5: 96, 18: 96, 19: 96,
    **dict.fromkeys((6, 7, 8, 20, 21), 112), **dict.fromkeys((9, 10, 22, 23, 26, 29, 31), 128),
    **dict.fromkeys((11, 12, 24, 27, 32), 192), 30: 224, **dict.fromkeys((13, 14, 25, 28, 33), 256),
    256: 103, 257: 125, 258: 150, 259: 175, 260: 192,
    512: 128, 513: 192, 514: 256, 4587: 192, 4588: 192, 4589: 256, 41: 128,
}  # fmt: skip
"""Bits of security against a classical computer (NIST SP 800-57 part 1; RFC 7919 appendix A)."""

SIGNATURE_SCHEMES = {
    0x0101: "rsa_pkcs1_md5", 0x0201: "rsa_pkcs1_sha1", 0x0202: "dsa_sha1", 0x0203: "ecdsa_sha1",
    0x0301: "rsa_pkcs1_sha224", 0x0302: "dsa_sha224", 0x0303: "ecdsa_sha224", 0x0401: "rsa_pkcs1_sha256",
    0x0402: "dsa_sha256", 0x0403: "ecdsa_secp256r1_sha256", 0x0501: "rsa_pkcs1_sha384", 0x0502: "dsa_sha384",
    0x0503: "ecdsa_secp384r1_sha384", 0x0601: "rsa_pkcs1_sha512", 0x0602: "dsa_sha512",
    0x0603: "ecdsa_secp521r1_sha512", 0x0704: "eccsi_sha256", 0x0708: "sm2sig_sm3",
    0x0804: "rsa_pss_rsae_sha256", 0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519", 0x0808: "ed448", 0x0809: "rsa_pss_pss_sha256", 0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512", 0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384", 0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87",
}  # fmt: skip
SCHEMES_13 = (
    0x0403, 0x0804, 0x0503, 0x0805, 0x0603, 0x0806, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B,
    0x081A, 0x081B, 0x081C, 0x0904, 0x0905, 0x0906, 0x0401, 0x0501, 0x0601, 0x0201, 0x0203,
)  # fmt: skip
"""What a TLS 1.3 hello offers. rsa_pkcs1 and SHA-1 schemes are for certificates only (RFC 8446 §4.2.3)."""
SCHEMES_12 = (*SCHEMES_13, 0x0402, 0x0502, 0x0602, 0x0301, 0x0302, 0x0303, 0x0202, 0x0101)


def scheme_name(code: int) -> str:
    return SIGNATURE_SCHEMES.get(code, f"0x{code:04x}")


def group_name(code: int) -> str:
    return GROUPS.get(code, f"0x{code:04x}")
