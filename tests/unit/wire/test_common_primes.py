"""The shared primes as their documents print them."""

from port443.core.wire.common_primes import OAKLEY, common_prime

# RFC 2409 §6.2, and the last 32 bytes of RFC 3526 §3.
GROUP_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)


def test_the_second_oakley_group_is_that_of_its_rfc() -> None:
    """Every digit; the others come of the same formula with numbers of their own."""
    assert common_prime(GROUP_2) == "Oakley group 2 (RFC 2409)"
    assert common_prime(GROUP_2 - 2) is None


def test_every_group_has_its_size_and_is_prime() -> None:
    """By Fermat's test to the base 3, for those that are quickly tried."""
    from port443.core.wire.common_primes import _oakley  # noqa: PLC0415

    for bits, offset in OAKLEY.values():
        number = _oakley(bits, offset)
        assert number.bit_length() == bits
        if bits <= 2048:
            assert pow(3, number - 1, number) == 1
            assert pow(3, number // 2 - 1, number // 2) == 1
