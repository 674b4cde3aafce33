"""Which hellos to send, and what a response proves. It must not know how they are sent."""
