"""TLS records, hellos and extensions: build and parse bytes."""
