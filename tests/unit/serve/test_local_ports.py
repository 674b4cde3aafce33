"""What this machine offers on loopback, and what is left out where it has no IPv6."""

import socket
from pathlib import Path

from plan_samples import desired, site
from port443.adapters.local_ports import free_port, has_ipv6, loopback_addresses
from port443.core.names import Endpoint
from port443.core.plan.desired import without_ipv6


def test_loopback_is_what_can_be_bound() -> None:
    assert "127.0.0.1" in loopback_addresses()
    assert has_ipv6() or "::1" not in loopback_addresses()


def test_a_kernel_that_knows_ipv6_lists_its_addresses() -> None:
    assert has_ipv6() == Path("/proc/net/if_inet6").exists()


def test_a_port_is_the_preferred_one_when_it_is_free() -> None:
    """Else another one, which is free on every address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = free_port(port, loopback_addresses())
        assert other != port
    assert free_port(other, loopback_addresses()) == other


def test_all_addresses_are_those_of_ipv4_where_there_is_no_ipv6() -> None:
    """An address that was asked for by itself stays, so that its absence is told."""
    four, six, one = Endpoint("0.0.0.0", 443), Endpoint("::", 443), Endpoint("::1", 443)  # noqa: S104
    wishes = desired(site("a.test"), https=(four, six, one), http=(Endpoint("::", 80),))
    left = without_ipv6(wishes)
    assert (left.https, left.http) == ((four, one), (Endpoint("::", 80),))
