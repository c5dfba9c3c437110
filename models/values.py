"""Metadata that holds every value type of GGUF, with the values most easily got wrong."""

import numpy as np
from gguf import GGUFReader, GGUFValueType

from models.writer import Item, Value, array

T = GGUFValueType

TEXTS = ("", "plain", "naïve café", "语言模型", "\U0001f9e0 \u2581", "line\nbreak\tand\0zero")
FLOATS = (0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"))
LONG_ARRAY_ITEMS = 1000


def every_value() -> dict[str, Value]:
    """Scalars `value.TYPE.N` of every type, arrays `array.TYPE` of every item type, and empty ones.

    Integers take their least and greatest values, floats infinities and not-a-number, strings
    nothing, several scripts and a zero byte.
    """
    metadata: dict[str, Value] = {}
    for kind, examples in _examples().items():
        name = kind.name.lower()
        for number, example in enumerate(examples):
            metadata[f"value.{name}.{number}"] = Value(kind, example)
        metadata[f"array.{name}"] = array(kind, examples)
        metadata[f"array.{name}.empty"] = array(kind, [])
        metadata[f"array.{name}.long"] = array(kind, _repeated(examples))
    return metadata


def _examples() -> dict[GGUFValueType, list[Item]]:
    integers: dict[GGUFValueType, list[Item]] = {
        kind: [int(np.iinfo(scalar).min), 1, int(np.iinfo(scalar).max)]
        for kind, scalar in GGUFReader.gguf_scalar_to_np.items()
        if issubclass(scalar, np.integer)
    }
    return {
        **integers,
        T.BOOL: [False, True],
        T.FLOAT32: list(FLOATS),
        T.FLOAT64: [*FLOATS, 1e300],
        T.STRING: list(TEXTS),
    }


def _repeated(examples: list[Item]) -> list[Item]:
    return [examples[i % len(examples)] for i in range(LONG_ARRAY_ITEMS)]
