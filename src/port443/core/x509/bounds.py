"""The most of certificates that is taken from anybody's files; the contract's documents hold as much."""

MAX_CHAIN = 100
"""As deep as OpenSSL verifies: no client makes use of more."""
MAX_CERTIFICATE_BYTES = 65536
MAX_CLIENT_ROOTS = 64
