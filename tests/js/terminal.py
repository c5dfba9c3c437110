"""Runs a command in a terminal of its own.

Usage: python tests/js/terminal.py PROGRAM ARGUMENT...

Prints, as JSON, its status and whether the terminal is in the mode that it was in before.
"""

import json
import os
import pty
import subprocess
import sys
import termios


def main(command: list[str]) -> None:
    """Run it, and print the outcome."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    status = subprocess.run(command, stdin=theirs, stdout=theirs, stderr=theirs).returncode
    print(json.dumps({"status": status, "restored": termios.tcgetattr(theirs) == before}))
    os.close(theirs)
    os.close(ours)


if __name__ == "__main__":
    main(sys.argv[1:])
