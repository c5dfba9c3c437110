"""Files that are something else, and versions that are not read."""

import json
import struct
from dataclasses import replace
from pathlib import Path

from memory64 import GGUFFormatError

from .attack import Attack, Attacks
from .builder import GGUF, MODEL, u32
from .process import Child

attacks = Attacks()
refused = attacks.refused


@refused(GGUFFormatError, "not a GGUF file", "b'<!do'")
def a_web_page() -> bytes:
    """Is what a download gives that needed a login."""
    return b"<!doctype html><html><head><title>Sign in</title></head></html>" * 100


@refused(GGUFFormatError, "not a GGUF file", "b'vers'")
def a_git_lfs_pointer() -> bytes:
    """Is what a clone gives without git-lfs."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4080936160\n"


@refused(GGUFFormatError, "not a GGUF file", r"b'PK\x03\x04'")
def a_pytorch_checkpoint() -> bytes:
    """Is a zip file, as torch.save writes them."""
    return b"PK\x03\x04" + bytes(1000)


@refused(GGUFFormatError, "not a GGUF file")
def a_safetensors_file() -> bytes:
    """Is the other widespread format."""
    head = json.dumps({"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(4)


@refused(GGUFFormatError, "not a GGUF file", "b'tjgg'")
def a_ggml_file() -> bytes:
    """Is of the format before GGUF."""
    return b"tjgg" + u32(3) + bytes(1000)


@refused(GGUFFormatError, "not a GGUF file", "b'FUGG'")
def a_magic_that_is_swapped() -> GGUF:
    """Has its magic written as a number, in the other order of bytes."""
    return replace(MODEL, magic=b"FUGG")


@refused(GGUFFormatError, "the magic", "needs 4 bytes", "the file ends at {0}", each=[0, 1, 3])
def a_file_of_bytes(size: int) -> bytes:
    """Is empty, or shorter than the magic."""
    return b"GGUF"[:size]


@refused(GGUFFormatError, "the version", "the file ends at 4")
def nothing_but_the_magic() -> bytes:
    """Is cut where a broken download may end."""
    return b"GGUF"


@refused(GGUFFormatError, "version {0};", "versions 2 and 3", each=[0, 1, 4, (1 << 32) - 1])
def other_version(version: int) -> GGUF:
    """Is of the first version, whose counts have 32 bits, or of one to come."""
    return replace(MODEL, version=u32(version))


@refused(GGUFFormatError, "big-endian", "only little-endian", each=[1, 2, 3])
def big_endian(version: int) -> GGUF:
    """Is written for machines of the other order of bytes."""
    return replace(MODEL, version=version.to_bytes(4, "big"))


@attacks.each
def test_refused(attack: Attack, child: Child, tmp_path: Path) -> None:
    attack.check(child, tmp_path)
