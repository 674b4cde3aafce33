"""When to renew: times and pauses, computed from numbers alone."""
