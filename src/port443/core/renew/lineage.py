"""What can happen between the generations of one lineage."""

from port443.core.errors import StoreError


class GenerationSuperseded(StoreError):
    """Another certificate became the active one while this one was being made.

    Two processes renewed at once; the other was faster and its certificate is used. Nothing is lost and
    nothing has to be done, unless this is said again and again: then look for a second port443 that
    works in the same state directory.
    """

    code = "P443-E620"
    retry = True
