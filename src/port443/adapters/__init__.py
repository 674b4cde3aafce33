"""One folder per outside thing; siblings never see each other."""
