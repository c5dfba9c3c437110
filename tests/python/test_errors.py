"""The tree of errors: as drawn in the module, codes told once, messages as written."""

import pickle
import re

import pytest

from memory64 import errors
from memory64.errors import Memory64Error

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_the_drawing_shows_every_class_with_its_code() -> None:
    drawn = re.findall(r"(\w+Error)(?: \(\w+\))?[\s│]+(ERR_\w+)", errors.__doc__ or "")
    assert dict(drawn) == {cls.__name__: cls.code for cls in CLASSES}


def test_codes_are_told_once() -> None:
    assert len({cls.code for cls in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_message_is_the_text(cls: type[Memory64Error]) -> None:
    assert str(cls("needed 3, found 2")) == "needed 3, found 2"
    assert str(pickle.loads(pickle.dumps(cls("across processes")))) == "across processes"
    assert issubclass(cls, Memory64Error)
