"""The named TLS policies, as data: Mozilla's Server Side TLS 6.0, with the hybrid group first."""

from port443.core.contract.snapshot import TlsPolicy
from port443.core.contract.tls_names import Alpn, CipherSuite, Group
from port443.core.plan.desired import TlsName

SUITES = tuple(CipherSuite)
TLS13_SUITES = SUITES[:3]
BROAD_GROUPS = tuple(Group)[:4]
ALPN = tuple(Alpn)

POLICIES: dict[TlsName, TlsPolicy] = {
    "modern": TlsPolicy(versions=("1.3",), suites=TLS13_SUITES, groups=BROAD_GROUPS, alpn=ALPN, tickets=True),
    "intermediate": TlsPolicy(
        versions=("1.3", "1.2"), suites=SUITES, groups=BROAD_GROUPS, alpn=ALPN, tickets=True
    ),
}
