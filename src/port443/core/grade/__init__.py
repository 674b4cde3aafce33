"""One rule a file; findings folded to a grade."""
