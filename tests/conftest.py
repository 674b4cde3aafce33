"""What all tests share."""

pytest_plugins = ["left_behind"]
