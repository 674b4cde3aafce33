"""The settings file: YAML to a `Desired`, and every error with its position."""
