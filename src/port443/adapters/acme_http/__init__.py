"""ACME over HTTPS."""

from port443.adapters.acme_http.client import AcmeClient

__all__ = ["AcmeClient"]
