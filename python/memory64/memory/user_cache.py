"""Where this user's caches are."""

import os
import tempfile
from pathlib import Path


def user_cache() -> Path:
    """The folder that ``MEMORY64_CACHE`` names, or ours where caches go."""
    named = os.environ.get("MEMORY64_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or _home_cache()) / "memory64"


def _home_cache() -> Path:
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # a user without a home, as containers have them
        return Path(tempfile.gettempdir()) / f"cache-{os.geteuid()}"
