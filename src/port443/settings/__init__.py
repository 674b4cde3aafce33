"""The file, read once: YAML to desired state, every mistake with its place."""
