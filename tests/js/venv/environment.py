"""Makes a virtual environment with the packages of the running one, and a module that it runs.

Usage: python tests/js/venv/environment.py FOLDER MODULE

Prints the environment's folder of packages.
"""

import shutil
import sys
import sysconfig
import venv
from pathlib import Path


def main(folder: str, module: str) -> None:
    """Make it in ``folder``, with the file MODULE.py of this folder, run when Python starts."""
    venv.create(folder, symlinks=True)
    ours = sysconfig.get_path("purelib")
    theirs = Path(sysconfig.get_path("purelib", vars={"base": folder}))
    # Not the bare path: the .pth files that lie in there count as well.
    (theirs / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    shutil.copy(Path(__file__).with_name(f"{module}.py"), theirs)
    # Not as sitecustomize: Debian's Python has one of its own, which comes first.
    (theirs / "then.pth").write_text(f"import {module}\n")
    print(theirs)


if __name__ == "__main__":
    main(*sys.argv[1:])
