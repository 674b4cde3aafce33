"""The status, the events and the answers of `port443 serve`, as values."""
