"""``python -m memory64``: the command line."""

from .cli import main

main()
