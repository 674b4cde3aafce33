"""Hypothesis strategies for names that belong to everybody."""

from hypothesis import strategies as st

from port443.core.names import RESERVED_NETWORKS, RESERVED_SUFFIXES, HostName, IPName, SiteName

labels = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z")


@st.composite
def reserved_hosts(draw: st.DrawFn) -> HostName:
    """Draw a host name, sometimes a wildcard, below a reserved suffix or that suffix itself."""
    suffix = draw(st.sampled_from(RESERVED_SUFFIXES))
    above = draw(st.lists(labels, max_size=4))
    wild = draw(st.booleans())
    star = ["*"] if above and wild else []
    return HostName.parse(".".join([*star, *above, suffix]))


@st.composite
def reserved_addresses(draw: st.DrawFn) -> IPName:
    """Draw an address out of a private network, its first and last among them."""
    network = draw(st.sampled_from(RESERVED_NETWORKS))
    offset = draw(st.integers(0, network.num_addresses - 1))
    return IPName.parse(str(network.network_address + offset))


def reserved_names() -> st.SearchStrategy[SiteName]:
    return st.one_of(reserved_hosts(), reserved_addresses())
