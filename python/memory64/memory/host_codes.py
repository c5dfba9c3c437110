"""What the functions of module ``env`` answer when they fail."""

from enum import IntEnum


class LoadLayerCode(IntEnum):
    """Failures of ``memory64_load_layer``."""

    DISABLED = -1
    NO_SUCH_LAYER = -2
    BUFFER_TOO_SMALL = -3
    READ_FAILED = -4
    NO_MEMORY = -5
    POINTER_OVERFLOW = -6
    POINTER_OUT_OF_BOUNDS = -7
    WRITE_FAILED = -8
    TOO_LARGE = -9


class ReadCode(IntEnum):
    """Failures of ``memory64_read``."""

    DISABLED = -1
    READ_FAILED = -2
    NO_MEMORY = -3
    POINTER_OVERFLOW = -4
    POINTER_OUT_OF_BOUNDS = -5
    WRITE_FAILED = -6
    TOO_LARGE = -9


class TensorCode(IntEnum):
    """Failures of ``memory64_tensor`` and ``memory64_layer_size``: those of ``load_layer``."""

    DISABLED = -1
    NOT_FOUND = -2
    NO_MEMORY = -5
    POINTER_OVERFLOW = -6
    POINTER_OUT_OF_BOUNDS = -7
    WRITE_FAILED = -8
