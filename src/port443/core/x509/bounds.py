"""Bounds on certificates from files; the contract's documents have the same."""

MAX_CHAIN = 100
"""As deep as OpenSSL verifies: no client makes use of more."""
MAX_CERTIFICATE_BYTES = 65536
MAX_CLIENT_ROOTS = 64
