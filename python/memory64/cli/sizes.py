"""Sizes as they are typed."""

import re

import typer


def size(text: str) -> int:
    """A count of bytes with a unit, as ``64M`` or ``1.5G``."""
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)([KMG])", text, re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a size such as 65536, 64M or 1.5G")
    if match[1]:
        return int(match[1])
    return int(float(match[2]) * (1 << {"K": 10, "M": 20, "G": 30}[match[3].upper()]))
