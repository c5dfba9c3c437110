"""The public names: all there, documented, and every error among them."""

import inspect

import memory64
from memory64 import errors


def test_every_public_name_is_documented() -> None:
    for name in memory64.__all__:
        value = getattr(memory64, name)
        assert not inspect.isroutine(value) or value.__doc__, name
        for member, method in inspect.getmembers(value, inspect.isfunction):
            assert member.startswith("_") or inspect.getdoc(method), f"{name}.{member}"


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(memory64.__all__)
