"""One file per use-case."""
