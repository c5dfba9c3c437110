"""What ``memory64_tensor`` tells a guest about a tensor."""

import struct
from typing import NamedTuple

MAX_NAME_BYTES = 256
"""Files with longer names are refused when they are opened."""

MAX_DIMS = 4

_LAYOUT = struct.Struct("<3Q2I4Q")
RECORD_BYTES = _LAYOUT.size


class TensorRecord(NamedTuple):
    """A tensor; for a guest 64 bytes in little-endian order.

    ==================  ==========================================================
    ``u64`` 0           offset in the flat space over all regions
    ``u64`` 8           offset in the image of its layer; 0 for a tensor of none
    ``u64`` 16          bytes of its quantised blocks
    ``u32`` 24          quant type, GGML's number
    ``u32`` 28          count of its dimensions, 1 to 4
    ``u64[4]`` 32       its shape, rows first; 1 beyond its dimensions
    ==================  ==========================================================
    """

    offset: int
    layer_offset: int
    nbytes: int
    quant_type: int
    shape: tuple[int, ...]

    def pack(self) -> bytes:
        """As the guest gets it."""
        shape = (*self.shape, *[1] * (MAX_DIMS - len(self.shape)))
        return _LAYOUT.pack(
            self.offset, self.layer_offset, self.nbytes, self.quant_type, len(self.shape), *shape
        )
