"""Writes which OpenSSL Python finds once memory64 is imported.

Run by every Python of the environment that environment.py made, when it starts.
"""

import sys
from pathlib import Path
from threading import Thread
from time import sleep

FOUND = Path(__file__).with_name("openssl.txt")


def tell() -> None:
    """Import it no sooner than a program can: the addon sets the ways of loading before."""
    while "memory64.bridge" not in sys.modules:
        sleep(0.01)
    import ssl

    written = FOUND.with_suffix(".part")
    written.write_text(ssl.OPENSSL_VERSION)
    written.rename(FOUND)


Thread(target=tell, daemon=True).start()
