"""The files of a model: usually one, or the parts of a split one.

Parts are named ``NAME-00001-of-00003.gguf`` as llama.cpp's gguf-split names them, and
carry ``split.no``, ``split.count`` and ``split.tensors.count`` in their metadata.
"""

import os
import re
from pathlib import Path

from ..errors import GGUFFormatError, SourceNotFoundError
from .cursor import excerpt
from .header import Header, scan_header
from .source import FileSource

_PART_NAME = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf")


def scan_files(path: str | os.PathLike[str]) -> tuple[Header, ...]:
    """The headers of the file ``path`` and, where it is part of a split, of all parts.

    Raises:
        SourceNotFoundError: the file, or a part, is missing.
        SourceError: one cannot be opened.
        GGUFFormatError: one is damaged, or the parts do not belong together.
    """
    headers: list[Header] = []
    try:
        for part in part_paths(Path(path)):
            headers.append(_scan_file(part))  # noqa: PERF401 - those scanned are closed below
        _check_parts(headers)
    except BaseException:
        for header in headers:
            header.source.close()
        raise
    return tuple(headers)


def _scan_file(path: Path) -> Header:
    source = FileSource(path)
    try:
        return scan_header(source)
    except BaseException:
        source.close()
        raise


def part_paths(path: Path) -> list[Path]:
    """``path`` alone, or all parts of the split it names, in order.

    Raises:
        SourceNotFoundError: a part is missing; the message names every one that is.
    """
    match = _PART_NAME.fullmatch(path.name)
    if not match:
        return [path]
    count = int(match["count"])
    if not 1 <= int(match["number"]) <= count:
        raise GGUFFormatError(f"{path}: part {match['number']} of {match['count']} cannot be")
    parts = [
        path.with_name(f"{match['stem']}-{number:05}-of-{count:05}.gguf")
        for number in range(1, count + 1)
    ]
    missing = [part.name for part in parts if not _exists(part)]
    if missing and _exists(path):
        raise SourceNotFoundError(
            f"{path}: a split of {count} files, {len(missing)} of them missing beside it: "
            + ", ".join(missing[:5])
            + (" …" if len(missing) > 5 else "")
        )
    return parts


def _exists(path: Path) -> bool:
    # Path.exists raises where a folder may not be entered or a name is too long; opening the
    # file says so in the way that all such errors are said.
    return os.path.exists(path)  # noqa: PTH110


def _check_parts(headers: list[Header]) -> None:
    first = headers[0]
    declared = first.metadata.scalar("split.count", 1)
    if declared != len(headers):
        raise GGUFFormatError(
            f"{first.source.name}: split.count says {excerpt(declared)} files, "
            f"the file name {len(headers)}"
        )
    if len(headers) == 1:
        return
    for number, header in enumerate(headers):
        found = (header.metadata.scalar("split.no"), header.metadata.scalar("split.count"))
        if found != (number, declared):
            raise GGUFFormatError(
                f"{header.source.name}: needs split.no {number} and split.count {declared}, "
                f"has {excerpt(found[0])} and {excerpt(found[1])}"
            )
        _check_agrees(header, first)
    tensor_count = sum(len(header.tensors) for header in headers)
    total = first.metadata.scalar("split.tensors.count")
    if total != tensor_count:
        raise GGUFFormatError(
            f"{first.source.name}: split.tensors.count says {excerpt(total)} tensors, "
            f"the {declared} files have {tensor_count}"
        )


def _check_agrees(header: Header, first: Header) -> None:
    """A part that says of the model what the first part does not is another model's."""
    for key in header.metadata:
        ours, theirs = first.metadata.scalar(key), header.metadata.scalar(key)
        known = key in first.metadata and first.metadata.array(key) is None
        if known and key != "split.no" and ours != theirs:
            raise GGUFFormatError(
                f"{header.source.name}: {key} is {excerpt(theirs)}, in the first part "
                f"{excerpt(ours)}: a part of another model"
            )
