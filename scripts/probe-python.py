"""Print, as JSON, what the set-up must know about the interpreter that runs this file.

It is run by interpreters of any age, so it stays within the syntax that all of them read.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_config_var, get_path


def shared_library():
    """Return the path of libpython as a shared library, or None."""
    library_folder = Path(get_config_var("LIBDIR") or "")
    folders = [
        library_folder,
        Path(get_config_var("LIBPL") or ""),
        library_folder / (get_config_var("MULTIARCH") or ""),
        Path(get_config_var("PYTHONFRAMEWORKPREFIX") or ""),
    ]
    names = [get_config_var("INSTSONAME") or "", get_config_var("LDLIBRARY") or ""]
    found = [folder / name for folder in folders for name in names if not name.endswith(".a")]
    return next((str(path) for path in found if path.is_absolute() and path.is_file()), None)


include = Path(get_path("include"))
executable = Path(getattr(sys, "_base_executable", None) or sys.executable)
print(
    json.dumps(
        {
            "executable": sys.executable,
            "base": str(executable.resolve()),
            "implementation": sys.implementation.name,
            "version": list(sys.version_info[:3]),
            "include": str(include),
            "hasHeaders": (include / "Python.h").is_file(),
            "libpython": shared_library(),
            "libraryFolder": get_config_var("LIBDIR"),
            "missingModules": [name for name in ("venv", "ensurepip") if not find_spec(name)],
        }
    )
)
