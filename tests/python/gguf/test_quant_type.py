"""The quant types are the gguf package's, which is not imported for them."""

import subprocess
import sys
from pathlib import Path

from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as PackageType

from memory64 import GGMLQuantizationType

OPEN = """
import sys
import memory64.bridge
with memory64.load_model(sys.argv[1], memory64=True) as model:
    model.get_layer(0)
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_names_numbers_and_blocks() -> None:
    ours = {t.name: (t.value, (t.block_length, t.block_bytes)) for t in GGMLQuantizationType}
    assert ours == {t.name: (t.value, GGML_QUANT_SIZES[t]) for t in PackageType}


def test_they_are_equal_to_the_packages() -> None:
    for type_ in PackageType:
        assert GGMLQuantizationType[type_.name] == type_
        assert GGML_QUANT_SIZES[GGMLQuantizationType[type_.name]] == GGML_QUANT_SIZES[type_]


def test_opening_a_model_imports_nothing_it_has_no_need_of(tiny: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", OPEN, str(tiny)], capture_output=True, text=True, check=True
    )
    imported = set(child.stdout.split())
    assert {"memory64", "numpy", "wasmtime"} <= imported
    assert not imported & {"gguf", "yaml", "tqdm", "requests", "rich", "typer"}
