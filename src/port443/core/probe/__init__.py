"""Which hellos to send, and what an answer proves."""
