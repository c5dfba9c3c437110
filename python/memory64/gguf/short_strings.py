"""Passing over the strings of a vocabulary many at a time.

A string lies in the file as its length in eight bytes, then its text, so where one begins is
known only from the one before it. But a length below 256 shows: its last seven bytes are zero.
All such places in a window are found at once; the strings have been passed rightly for as long
as each place is where the length found at the one before it leads.
"""

import numpy as np

LENGTH_BYTES = 8


def short_strings(window: memoryview, most: int) -> tuple[int, int]:
    """How many strings ``window`` begins with that are proven in this way, and their bytes.

    Args:
        window: begins with a string; the last one may reach beyond its end.
        most: strings to look for.

    Returns:
        Count and size; both 0 where already the first string is longer.
    """
    data = np.frombuffer(window, np.uint8)
    zero = data == 0
    two = zero[1:-1] & zero[2:]
    four = two[:-2] & two[2:]
    seven = four[:-3] & four[3:]  # of a byte: the seven behind it are zero
    starts = np.flatnonzero(seven)[:most]
    if not starts.size or starts[0] != 0:
        return 0, 0
    ends = starts + LENGTH_BYTES + data[starts]
    wrong = np.flatnonzero(ends[:-1] != starts[1:])
    count = int(wrong[0]) + 1 if wrong.size else starts.size
    return count, int(ends[count - 1])
