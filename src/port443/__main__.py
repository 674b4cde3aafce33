"""Run the command line by `python -m port443`."""

from port443.cli.main import main

main()
