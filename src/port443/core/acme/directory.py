"""The directory of a CA: where its resources are and what it offers (RFC 8555 §7.1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from port443.core.acme.problems import clean
from port443.core.acme.reply import Document, Reply, http_date


@dataclass(frozen=True, slots=True)
class Directory:
    """The URLs are all of the directory's own origin; the texts are for people only, and never fetched."""

    url: str
    new_nonce: str
    new_account: str
    new_order: str
    revoke_cert: str
    key_change: str
    renewal_info: str | None
    """None: the CA has no renewal information (RFC 9773)."""
    terms_of_service: str | None
    website: str | None
    caa_identities: tuple[str, ...]
    """What a CAA record names this CA by."""
    external_account_required: bool
    profiles: Mapping[str, str]
    """Names and what they mean; empty when the CA has none."""
    date: datetime | None
    """The CA's clock when it sent this."""


def read_directory(reply: Reply) -> Directory:
    """Read a directory document; raises `CAReplyInvalid`."""
    document = reply.document()
    meta = document.object("meta")
    return Directory(
        reply.url,
        new_nonce=document.own_url("newNonce"),
        new_account=document.own_url("newAccount"),
        new_order=document.own_url("newOrder"),
        revoke_cert=document.own_url("revokeCert"),
        key_change=document.own_url("keyChange"),
        renewal_info=document.optional_url("renewalInfo"),
        terms_of_service=clean(meta.optional_text("termsOfService")) or None,
        website=clean(meta.optional_text("website")) or None,
        caa_identities=tuple(clean(one) for one in meta.texts("caaIdentities")),
        external_account_required=meta.flag("externalAccountRequired"),
        profiles=_profiles(meta.object("profiles")),
        date=http_date(reply.date or ""),
    )


def _profiles(profiles: Document) -> dict[str, str]:
    return {clean(name): clean(meaning) for name, meaning in profiles.mapping().items()}
