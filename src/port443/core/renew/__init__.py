"""When to renew: moments and pauses, by numbers alone."""
