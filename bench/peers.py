"""Who we are measured against, and the one of them that is installed when first wanted."""

import subprocess
import sys
from functools import cache

from bench.measure import ROOT

READER = "gguf-py GGUFReader"
HUGGINGFACE = "@huggingface/gguf"

FOLDER = ROOT / "bench"


@cache
def why_no_huggingface() -> str | None:
    """None where `@huggingface/gguf` is there or could be installed, otherwise the reason."""
    if (FOLDER / "node_modules" / HUGGINGFACE).is_dir():
        return None
    print(f"installing {HUGGINGFACE} into bench/node_modules", file=sys.stderr)
    command = ["npm", "install", "--prefix", str(FOLDER), "--no-package-lock", "--no-audit"]
    npm = subprocess.run([*command, "--no-fund"], capture_output=True, text=True)
    if npm.returncode == 0:
        return None
    complaints = [line for line in npm.stderr.splitlines() if line.startswith("npm error")]
    return f"could not be installed: {' '.join(complaints[:2]) or 'npm gave no reason'}"
