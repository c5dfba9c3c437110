"""Read a file from its beginning to its end as fast as this machine does: `PATH`.

The pages are mapped, huge where they can be, and nobody looks at them.
"""

import ctypes
import json
import mmap
import sys
from time import perf_counter

from memory64.memory import platform

CHUNK_BYTES = 4 << 20


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    platform.expect_huge(address, len(pages))
    started = perf_counter()
    for start in range(0, len(pages), CHUNK_BYTES):
        platform.populate(address + start, min(CHUNK_BYTES, len(pages) - start))
    seconds = perf_counter() - started
    print(json.dumps({"bytesPerSecond": len(pages) / seconds}))


main()
