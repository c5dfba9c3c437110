"""Makes a virtual environment with the packages of the running one and this sitecustomize.

Usage: python tests/js/blas/environment.py FOLDER

Prints the environment's folder of packages.
"""

import shutil
import sys
import sysconfig
import venv
from pathlib import Path


def main(folder: str) -> None:
    """Make it in ``folder``."""
    venv.create(folder, symlinks=True)
    ours = sysconfig.get_path("purelib")
    theirs = Path(sysconfig.get_path("purelib", vars={"base": folder}))
    # Not the bare path: the .pth files that lie in there count as well.
    (theirs / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    shutil.copy(Path(__file__).with_name("sitecustomize.py"), theirs)
    print(theirs)


if __name__ == "__main__":
    main(sys.argv[1])
