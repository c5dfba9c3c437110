"""Pages that move."""

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from memory64.memory import HUGE_PAGE_BYTES, huge_pages, move_pages
from memory64.memory.platform import OS_PAGE_BYTES

SIZE = 2 * HUGE_PAGE_BYTES


def two_areas() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    source, destination = (np.frombuffer(huge_pages(SIZE), np.uint8) for _ in range(2))
    source[:], destination[:] = 1, 2
    return source, destination


def test_they_begin_where_a_huge_page_does() -> None:
    pages = np.frombuffer(huge_pages(5 * OS_PAGE_BYTES), np.uint8)
    assert pages.size == 5 * OS_PAGE_BYTES
    assert pages.ctypes.data % HUGE_PAGE_BYTES == 0
    assert not pages.any()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux moves pages")
def test_what_is_moved_is_there_and_no_longer_here() -> None:
    source, destination = two_areas()
    assert move_pages(source.ctypes.data, destination.ctypes.data, HUGE_PAGE_BYTES)
    assert (destination[:HUGE_PAGE_BYTES] == 1).all()
    assert (destination[HUGE_PAGE_BYTES:] == 2).all()
    assert not source[:HUGE_PAGE_BYTES].any()
    assert (source[HUGE_PAGE_BYTES:] == 1).all()
    source[:] = 3
    assert (destination[:HUGE_PAGE_BYTES] == 1).all()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux moves pages")
def test_what_cannot_be_moved_is_zeros_there() -> None:
    source, destination = two_areas()
    assert not move_pages(source.ctypes.data + 1, destination.ctypes.data, HUGE_PAGE_BYTES)
    assert not destination[:HUGE_PAGE_BYTES].any()
    assert (destination[HUGE_PAGE_BYTES:] == 2).all()
    assert (source == 1).all()
