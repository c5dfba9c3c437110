"""Makes a preload wait after its first layer until it is cancelled, or the marker file is there.

Run by every Python of the environment that environment.py made, when it starts.
"""

from collections.abc import Callable
from pathlib import Path
from time import sleep

from memory64.layers import Memory64LayerManager

MARKER = Path(__file__).with_name("go-on")
WAITING = Path(__file__).with_name("waiting")
OVER = Path(__file__).with_name("over")

preload_all = Memory64LayerManager.preload_all


def hold(layers: Memory64LayerManager, *, cancelled: Callable[[], bool], **_: object) -> None:
    """Stand for ``Memory64LayerManager.preload_all``."""

    def wait(_fraction: float) -> None:
        WAITING.touch()
        while not (cancelled() or MARKER.exists()):
            sleep(0.01)

    try:
        preload_all(layers, progress=wait, cancelled=cancelled)
    finally:
        OVER.touch()


Memory64LayerManager.preload_all = hold  # type: ignore[method-assign]
