"""Passing over many strings at once is passing over them one by one."""

import struct

from hypothesis import example, given
from hypothesis import strategies as st

from memory64.gguf.short_strings import LENGTH_BYTES, short_strings

# Bytes that look like the lengths of strings, and lengths on both sides of 256.
TEXTS = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.lists(st.sampled_from([0, 0, 0, 1, 8, 255]), max_size=40).map(bytes),
        st.integers(250, 260).map(bytes),
    ),
    max_size=30,
)


@given(texts=TEXTS, cut=st.integers(0, 40), most=st.integers(0, 40))
@example(texts=[b""] * 5, cut=0, most=40)
@example(texts=[b"\1" + bytes(7) + b"x", b"y"], cut=0, most=40)
@example(texts=[bytes(300), b"y"], cut=0, most=40)
def test_what_is_passed_is_a_prefix_of_the_strings(texts: list[bytes], cut: int, most: int) -> None:
    data = b"".join(struct.pack("<Q", len(text)) + text for text in texts)
    window = memoryview(data)[: max(0, len(data) - cut)]
    count, size = short_strings(window, most)
    assert count <= min(most, len(texts))
    assert size == sum(LENGTH_BYTES + len(text) for text in texts[:count])


def test_a_vocabulary_is_passed_whole() -> None:
    texts = [f"token {index}".encode() for index in range(1000)]
    data = b"".join(struct.pack("<Q", len(text)) + text for text in texts)
    assert short_strings(memoryview(data), 1000) == (1000, len(data))
