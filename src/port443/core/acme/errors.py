"""What can go wrong with a CA: one class for each next step. A CA's own words stand in its `Problem`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from port443.core.errors import CertificateError


class Verdict(StrEnum):
    """What a failure means for the choice among several CAs."""

    UNAVAILABLE = "unavailable"
    """The CA does not answer, or not as a CA does: another one may."""
    LIMITED = "limited"
    """The CA gives no more for now: another one may."""
    REFUSED = "refused"
    """The CA does not do this for us: another one may."""
    OURS = "ours"
    """DNS, CAA, our own answers or names: every CA would find the same."""


@dataclass(frozen=True, slots=True)
class Subproblem:
    """One part of a problem: of one name, where the CA says so (RFC 8555 §6.7.1)."""

    type: str
    detail: str
    name: str | None

    def to_json(self) -> dict[str, object]:
        return {"type": self.type, "detail": self.detail, "name": self.name}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457), its texts bounded and without control characters."""

    type: str
    """`dns`, `caa`…; another URI whole; empty when the CA gave no problem document."""
    detail: str
    status: int
    instance: str | None = None
    """A page about it, of `userActionRequired`."""
    subproblems: tuple[Subproblem, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "type": self.type,
            "detail": self.detail,
            "status": self.status,
            "instance": self.instance,
            "subproblems": [one.to_json() for one in self.subproblems],
        }


class AcmeError(CertificateError):
    """An order, or another request to a CA, did not lead to what it was for."""

    verdict: Verdict = Verdict.REFUSED
    retry_at: datetime | None = None
    """Not before this time, the CA says; None: it does not say."""
    problem: Problem | None = None
    names: tuple[str, ...] = ()
    """What it is about, where the CA says so."""
    challenge: str | None = None
    """How the name was validated, when that is what failed."""

    def facts(self) -> dict[str, object]:
        return {
            "verdict": self.verdict.value,
            "retry_at": self.retry_at.isoformat() if self.retry_at else None,
            "names": list(self.names),
            "challenge": self.challenge,
            "problem": self.problem.to_json() if self.problem else None,
        }


class CAUnreachable(AcmeError):
    """The CA cannot be reached, or broke off: no connection, no answer in time, or no TLS that is trusted.

    Nothing is lost: an order that is open goes on where it stood. Look at whether this machine reaches the
    host in the message; for a CA of your own name its root with `trust` at the issuer.
    """

    code = "P443-E240"
    fault = "peer"
    retry = True
    verdict = Verdict.UNAVAILABLE


class CABusy(AcmeError):
    """The CA says that it cannot work just now.

    It is tried again by itself, not before the CA asks for it. With several issuers the next one takes over.
    """

    code = "P443-E241"
    fault = "peer"
    retry = True
    verdict = Verdict.UNAVAILABLE


class CAReplyInvalid(AcmeError):
    """The CA's reply is not what ACME says it is, is far too long, or leads to another host.

    Look at whether the directory's URL is that of an ACME CA (RFC 8555), and whether a proxy is in between.
    What was served goes on, and it is tried again.
    """

    code = "P443-E242"
    fault = "peer"
    retry = True
    verdict = Verdict.UNAVAILABLE


class CALimited(AcmeError):
    """The CA has given as much as its rate limits allow, to this account, name or address.

    Wait until the time in the message; orders before it would make it later. Several names in one
    certificate need one order. A renewal that names what it replaces is exempt at CAs that offer ARI.
    """

    code = "P443-E243"
    fault = "operator"
    retry = True
    verdict = Verdict.LIMITED


class AccountRefused(AcmeError):
    """The CA does not accept the account: unknown, deactivated, without agreement, or without its binding.

    The hint says which. For `externalAccountRequired` get a key id and a MAC key from the CA and put them
    at the issuer as `eab`; for `userActionRequired` read the page that the message names and agree.
    """

    code = "P443-E244"
    fault = "operator"
    verdict = Verdict.REFUSED


class DNSFailed(AcmeError):
    """The CA could not find the name in DNS, or what it found cannot be used.

    Publish an A or AAAA record that leads here, and look at every name server of the zone: CAs ask from
    several countries. A broken DNSSEC chain stops them too. After a change wait for the TTL.
    """

    code = "P443-E245"
    fault = "operator"
    verdict = Verdict.OURS


class CAAForbids(AcmeError):
    """A CAA record of the name, or of a domain above it, does not allow this CA, this account or this way.

    Add a CAA record `0 issue` with the CA's own domain, or take the one away that forbids it (RFC 8659,
    RFC 8657).
    """

    code = "P443-E246"
    fault = "operator"
    verdict = Verdict.OURS


class ServerUnreachable(AcmeError):
    """The CA could not connect to this server on port 80 or 443 by the name's addresses.

    Every A and every AAAA record must lead here, and firewalls must let the world in on that port; an AAAA
    record that leads elsewhere is the commonest cause. CAs connect from several countries.
    """

    code = "P443-E247"
    fault = "operator"
    verdict = Verdict.OURS


class AnswerWrong(AcmeError):
    """The CA reached a server by that name, and it did not give our answer to the challenge.

    Another server answers at one of the name's addresses, or something before this one ends TLS or changes
    requests: a load balancer, a CDN, an old server. Lead all addresses here, or let port 80 through as it is.
    """

    code = "P443-E248"
    fault = "operator"
    verdict = Verdict.OURS


class NameRefused(AcmeError):
    """The CA does not certify this name: by its policy, or since no public CA may.

    Look for a typing error in the name. Names that are not public need `issuer: local`, or a CA of your own.
    """

    code = "P443-E249"
    fault = "operator"
    verdict = Verdict.OURS


class OrderRefused(AcmeError):
    """The CA does not take the order as it was made: its profile, its kind of names, its key, or its form.

    The message has the CA's own words. For a profile, name one that the CA offers, or none; for an address,
    a CA that certifies addresses.
    """

    code = "P443-E250"
    fault = "operator"
    verdict = Verdict.REFUSED


class NoChallengeFits(AcmeError):
    """The CA offers no way of validation that this server can answer for the name.

    tls-alpn-01 needs port 443, http-01 needs port 80, both from outside. A wildcard can be validated by
    DNS records alone, which this version does not write: name the hosts one by one.
    """

    code = "P443-E251"
    fault = "operator"
    verdict = Verdict.OURS


class OrderUnfinished(AcmeError):
    """The CA has not finished the order in the time that one attempt has.

    The order stays open: the next attempt goes on with it and orders nothing again.
    """

    code = "P443-E252"
    fault = "peer"
    retry = True
    verdict = Verdict.UNAVAILABLE


class OrderLost(AcmeError):
    """The CA does not know the order any more, or has given it up without saying why.

    Orders end by themselves after some days. The next attempt makes another one.
    """

    code = "P443-E253"
    fault = "peer"
    retry = True
    verdict = Verdict.REFUSED


class CertificateUnfit(AcmeError):
    """The CA gave a certificate that is not what was ordered: its key, names, dates, profile or chain.

    It is not used, and what was served goes on. Tell the CA: a certificate with your names and another key
    is a reason to have it revoked.
    """

    code = "P443-E254"
    fault = "peer"
    verdict = Verdict.REFUSED


class RevocationRefused(AcmeError):
    """The CA does not revoke the certificate: it is revoked already, or the reason is not one that it takes.

    For `alreadyRevoked` nothing is left to do.
    """

    code = "P443-E255"
    fault = "operator"
    verdict = Verdict.REFUSED
