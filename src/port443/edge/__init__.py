"""Speak to the edge process over its socket, and supervise it."""
