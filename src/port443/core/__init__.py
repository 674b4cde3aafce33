"""Pure code: bytes and values in, values out."""
