"""What goes wrong in the bench: one sentence."""


class BenchFault(Exception):
    """A figure cannot be taken, or would prove nothing."""
