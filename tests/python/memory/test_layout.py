"""Layouts: what they accept, and the one chosen for a model."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory64 import GGMLQuantizationType, LayoutError, MemoryLayout, RegionSpec, load_model
from memory64.gguf import open_gguf
from memory64.memory.layout import GIB, MAX_REGION_GIB, MAX_REGIONS
from models.writer import TensorSpec, text, u32, write_sparse


def test_single_and_multi() -> None:
    assert MemoryLayout.single(8, "model") == MemoryLayout((RegionSpec("model", 8),))
    layout = MemoryLayout.multi([("embeddings", 1), ("layers_0_15", 4), ("head", 1)])
    assert [region.name for region in layout.regions] == ["embeddings", "layers_0_15", "head"]
    assert layout.size_bytes == 6 * GIB


@given(st.lists(st.integers(1, MAX_REGION_GIB), min_size=1, max_size=MAX_REGIONS))
def test_sizes_add_up(sizes: list[int]) -> None:
    layout = MemoryLayout.multi((f"r{index}", size) for index, size in enumerate(sizes))
    assert layout.size_bytes == sum(sizes) * GIB


@pytest.mark.parametrize("size", [0, -1, MAX_REGION_GIB + 1, 1.5, "1", True, None])
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(LayoutError, match=re.escape(f"found {size!r}")):
        MemoryLayout.single(size)  # type: ignore[arg-type]


def test_names_tell_regions_apart() -> None:
    with pytest.raises(LayoutError, match="'a'"):
        MemoryLayout.multi([("a", 1), ("a", 1)])
    with pytest.raises(LayoutError, match="name"):
        MemoryLayout.multi([("", 1)])
    with pytest.raises(LayoutError, match="at least one"):
        MemoryLayout.multi([])
    with pytest.raises(LayoutError, match=str(MAX_REGIONS)):
        MemoryLayout.multi((str(index), 1) for index in range(MAX_REGIONS + 1))


@pytest.mark.parametrize("name", ["smollm2", "beyond_4gib", "llama_70b_sparse"])
def test_one_region_holds_a_model_of_any_size(name: str, request: pytest.FixtureRequest) -> None:
    gguf = open_gguf(Path(request.getfixturevalue(name)))
    layout = MemoryLayout.for_model(gguf)
    assert len(layout.regions) == 1
    assert gguf.size_bytes <= layout.size_bytes <= gguf.size_bytes + 2 * GIB
    gguf.close()


def test_a_file_ordered_by_kind_of_tensor_fits_too(tmp_path: Path) -> None:
    """No tensor lies beside another of its layer, so each is a run of pages of its own."""
    kinds = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    tensors = [
        TensorSpec(f"blk.{layer}.{kind}.weight", (1024, 4096), GGMLQuantizationType.F16)
        for kind in kinds
        for layer in range(80)
    ]
    metadata = {"general.architecture": text("llama"), "llama.block_count": u32(80)}
    path = tmp_path / "by-kind.gguf"
    write_sparse(path, metadata, tensors, 0, b"mark")
    with load_model(path, memory64=True) as model:
        assert model.tensors[tensors[0].name].data[:4].tobytes() == b"mark"
        assert len(model.get_layer(79)) == len(kinds)
