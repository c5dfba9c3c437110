"""What wasmtime says about a failure, in few words: a guest decides how long that is."""

import re

MAX_FRAMES = 16
MAX_CHARACTERS = 800

_CAUSE = "Caused by:"
_FRAME = re.compile(r"^ +\d+: .*", re.MULTILINE)


def reason(error: Exception) -> str:
    """Why it failed, and for a trap the innermost functions that were running."""
    where, _, cause = str(error).partition(_CAUSE)
    if not cause:
        return excerpt(where)
    frames = _FRAME.findall(where)
    if not frames:
        return excerpt(f"{where.strip()}: {cause.strip()}")
    more = [f"  and {len(frames) - MAX_FRAMES} more"] if len(frames) > MAX_FRAMES else []
    shown = [excerpt(frame, 100) for frame in frames[:MAX_FRAMES]]
    return "\n".join([excerpt(cause.strip()), *shown, *more])


def excerpt(text: str, size: int = MAX_CHARACTERS) -> str:
    """The beginning of ``text``, if it is longer than ``size`` characters."""
    text = text.rstrip()
    return text if len(text) <= size else f"{text[:size]}…"
