"""What `port443 serve` tells of itself: its status, and what its verbs come to, as values."""
