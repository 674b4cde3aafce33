"""What all tests share."""

from hypothesis import settings

pytest_plugins = ["left_behind"]

# How long one example takes says how busy the machine is, not whether the code is right.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
