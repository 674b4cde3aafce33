"""Certificates: facts, chains, names, and the local CA."""
