"""The errors between the generations of one lineage."""

from port443.core.errors import StoreError


class GenerationSuperseded(StoreError):
    """Another certificate became the active one while this one was being made.

    Two processes renewed concurrently; the certificate of the faster one is used. Nothing is lost and
    nothing has to be done. If it repeats, look for a second port443 that uses the same state directory.
    """

    code = "P443-E620"
    retry = True
