"""Accounts: made, found, changed, given another key, deactivated; certificates revoked by them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from port443.core.acme.directory import Directory
from port443.core.acme.errors import AccountRefused, AcmeError
from port443.core.acme.flow import Flow, Post, Replied, Signer, accepted, problem_in, refusal, requested
from port443.core.acme.jws import AccountKey, MacAlgorithm, bound, encode, jwk, signed
from port443.core.acme.urls import host_of


@dataclass(frozen=True, slots=True)
class Account:
    """An account that the CA knows."""

    url: str
    key: AccountKey = field(repr=False)

    @property
    def signer(self) -> Signer:
        return Signer(self.key, self.url)


@dataclass(frozen=True, slots=True)
class ExternalAccount:
    """An account that somebody has with the CA outside ACME, to be bound to (RFC 8555 §7.3.4)."""

    key_id: str
    mac_key: bytes = field(repr=False)
    algorithm: MacAlgorithm = "HS256"


@dataclass(frozen=True, slots=True)
class Registration:
    """What an account is made with."""

    key: AccountKey = field(repr=False)
    contact: tuple[str, ...] = ()
    """E-mail addresses."""
    agree_tos: bool = False
    """Whether the operator agreed to the CA's terms of service."""
    external: ExternalAccount | None = None


class RevocationReason(IntEnum):
    """Why a certificate is revoked, as far as CAs take it from its owner (RFC 5280 §5.3.1)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5


def register(directory: Directory, registration: Registration) -> Flow[Account]:
    """Return the account of a key, which is made when there is none."""
    _check_terms(directory, registration)
    key = registration.key
    payload: dict[str, object] = {"contact": _contact(registration.contact)}
    if directory.terms_of_service:
        payload["termsOfServiceAgreed"] = True
    if registration.external:
        payload["externalAccountBinding"] = _binding(directory, key, registration.external)
    post = Post(directory.new_account, payload, Signer(key, None))
    return _account((yield from accepted(post, "a new account")), key)


def find(directory: Directory, key: AccountKey) -> Flow[Account | None]:
    """Return the account of a key; None when the CA knows none."""
    post = Post(directory.new_account, {"onlyReturnExisting": True}, Signer(key, None))
    answer = yield from requested(post)
    if answer.reply.is_success:
        return _account(answer, key)
    if problem_in(answer.reply).type == "accountDoesNotExist":
        return None
    raise refusal(answer, "a look for the account")


def update_contact(account: Account, contact: tuple[str, ...]) -> Flow[None]:
    """Replace the e-mail addresses."""
    yield from accepted(
        Post(account.url, {"contact": _contact(contact)}, account.signer), "the change of the contact"
    )


def deactivate(account: Account) -> Flow[None]:
    """Have the CA accept nothing from this account any more, for ever (RFC 8555 §7.3.6)."""
    yield from accepted(
        Post(account.url, {"status": "deactivated"}, account.signer), "the end of the account"
    )


def roll_over(directory: Directory, account: Account, new_key: AccountKey) -> Flow[Account]:
    """Give the account another key (RFC 8555 §7.3.5); also when an earlier try did so without our knowing."""
    inner = signed(
        new_key,
        {"jwk": jwk(new_key), "url": directory.key_change},
        {"account": account.url, "oldKey": jwk(account.key)},
    )
    changed = Account(account.url, new_key)
    try:
        yield from accepted(
            Post(directory.key_change, inner, account.signer), "the change of the account's key"
        )
    except AcmeError:
        found = yield from find(directory, new_key)
        if found != changed:
            raise
    return changed


def revoke(directory: Directory, signer: Signer, certificate: bytes, reason: RevocationReason) -> Flow[bool]:
    """Revoke a certificate, in DER; false when it was revoked already.

    Signed by the account that ordered it, one that is authorised for all its names, or its own key.
    """
    payload = {"certificate": encode(certificate), "reason": int(reason)}
    answer = yield from requested(Post(directory.revoke_cert, payload, signer))
    if answer.reply.is_success:
        return True
    if problem_in(answer.reply).type == "alreadyRevoked":
        return False
    raise refusal(answer, "the revocation")


def _check_terms(directory: Directory, registration: Registration) -> None:
    ca = host_of(directory.url)
    if directory.external_account_required and registration.external is None:
        raise AccountRefused(
            f"{ca} takes accounts only with an external account binding",
            "get a key id and a MAC key from the CA and set them as `eab` at the issuer",
        )
    if directory.terms_of_service and not registration.agree_tos:
        raise AccountRefused(
            f"{ca} takes accounts only from those who agree to its terms: {directory.terms_of_service}",
            "read them, then set `agree_tos: true` at the issuer, or --agree-tos",
        )


def _binding(directory: Directory, key: AccountKey, external: ExternalAccount) -> Mapping[str, str]:
    header = {"kid": external.key_id, "url": directory.new_account}
    return bound(external.mac_key, external.algorithm, header, jwk(key))


def _contact(addresses: tuple[str, ...]) -> list[str]:
    return [f"mailto:{address}" for address in addresses]


def _account(answer: Replied, key: AccountKey) -> Account:
    status = answer.reply.document().text("status")
    if status != "valid":
        raise AccountRefused(
            f"the account at {host_of(answer.reply.url)} is {status[:40]!r}",
            "make another account: take another account key",
        )
    return Account(answer.reply.own_location("account"), key)
