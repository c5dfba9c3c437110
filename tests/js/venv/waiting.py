"""Makes loading a tensor wait for the marker file, without holding Python's lock.

Run by every Python of the environment that environment.py made, when it starts.
"""

import sys
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

READY = Path(__file__).with_name("ready")
MARKER = Path(__file__).with_name("go-on")


def wait(*_: object) -> list[Any]:
    """Stand for ``memory64.bridge.load_tensor``."""
    while not MARKER.exists():
        sleep(0.05)
    return []


def replace() -> None:
    """Take the function's place as soon as there is one."""
    while not hasattr(sys.modules.get("memory64.bridge"), "close"):
        sleep(0.01)
    sys.modules["memory64.bridge"].load_tensor = wait  # type: ignore[attr-defined]
    READY.touch()


Thread(target=replace, daemon=True).start()
