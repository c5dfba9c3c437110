"""Angles of rotary embedding against their definitions, written once more for single numbers."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from memory64.gguf import GGUFDirectory, open_gguf
from memory64.inference.architecture import dimensions
from memory64.inference.rope import Rope, global_rope, local_rope
from models.small import SMALL, f32, llama_3_factors
from models.writer import Value, text, u32

POSITIONS = np.array([0, 1, 2, 63, 1000, 131_071])


def opened(tmp_path: Path, numbers: Mapping[str, Value], kind: str = "llama") -> GGUFDirectory:
    model = replace(SMALL[kind], layers=1, numbers={**SMALL[kind].numbers, **numbers})
    return open_gguf(model.write(tmp_path / "model.gguf", GGMLQuantizationType.Q8_0))


def rope_of(tmp_path: Path, numbers: Mapping[str, Value]) -> Rope:
    gguf = opened(tmp_path, numbers)
    return global_rope(gguf, dimensions(gguf), None)


def frequency(pair: int, dims: int = 64, base: float = 10_000.0) -> float:
    return base ** (-2 * pair / dims)


def is_close(rope: Rope, expected: list[float], magnitude: float = 1.0) -> bool:
    return np.allclose(rope.frequencies, expected, rtol=1e-12) and math.isclose(
        rope.magnitude, magnitude, rel_tol=1e-7
    )


def test_plain(tmp_path: Path) -> None:
    rope = rope_of(tmp_path, {"rope.freq_base": f32(500_000.0)})
    assert is_close(rope, [frequency(pair, base=500_000.0) for pair in range(32)])


def test_fewer_dimensions_than_the_head_has(tmp_path: Path) -> None:
    rope = rope_of(tmp_path, {"rope.dimension_count": u32(24)})
    assert is_close(rope, [frequency(pair, dims=24) for pair in range(12)])


def test_linear(tmp_path: Path) -> None:
    scaling = {"rope.scaling.type": text("linear"), "rope.scaling.factor": f32(4.0)}
    expected = [frequency(pair) / 4 for pair in range(32)]
    assert is_close(rope_of(tmp_path, scaling), expected)
    del scaling["rope.scaling.type"]
    assert is_close(rope_of(tmp_path, scaling), expected)


def test_none(tmp_path: Path) -> None:
    scaling = {"rope.scaling.type": text("none"), "rope.scaling.factor": f32(4.0)}
    assert is_close(rope_of(tmp_path, scaling), [frequency(pair) for pair in range(32)])


def test_attention_factor(tmp_path: Path) -> None:
    rope = rope_of(tmp_path, {"rope.scaling.attn_factor": f32(1.5)})
    assert is_close(rope, [frequency(pair) for pair in range(32)], magnitude=1.5)


def yarn(pair: int, factor: float, original: int, fast: float = 32, slow: float = 1) -> float:
    """As the paper has it: a pair is told by how often it turns within the original context."""

    def pair_that_turns(times: float) -> float:
        wavelength = original / times
        return 64 / 2 * math.log(wavelength / (2 * math.pi), 10_000.0)

    low = max(math.floor(pair_that_turns(fast)), 0)
    high = min(math.ceil(pair_that_turns(slow)), 63)
    if pair <= low:
        return frequency(pair)
    if pair >= high:
        return frequency(pair) / factor
    stretched = (pair - low) / (high - low)
    return frequency(pair) * ((1 - stretched) + stretched / factor)


@pytest.mark.parametrize(("factor", "original"), [(4.0, 4096), (16.0, 2048), (40.0, 32_768)])
def test_yarn(tmp_path: Path, factor: float, original: int) -> None:
    scaling = {
        "rope.scaling.type": text("yarn"),
        "rope.scaling.factor": f32(factor),
        "rope.scaling.original_context_length": u32(original),
    }
    expected = [yarn(pair, factor, original) for pair in range(32)]
    assert expected != [frequency(pair) for pair in range(32)]
    magnitude = 0.1 * math.log(factor) + 1
    assert is_close(rope_of(tmp_path, scaling), expected, magnitude)
    scaling["rope.scaling.yarn_beta_fast"] = f32(8.0)
    scaling["rope.scaling.yarn_beta_slow"] = f32(2.0)
    expected = [yarn(pair, factor, original, 8, 2) for pair in range(32)]
    assert is_close(rope_of(tmp_path, scaling), expected, magnitude)


def test_yarn_takes_the_context_for_the_original_one(tmp_path: Path) -> None:
    scaling = {
        "context_length": u32(4096),
        "rope.scaling.type": text("yarn"),
        "rope.scaling.factor": f32(4.0),
    }
    expected = [yarn(pair, 4.0, 4096) for pair in range(32)]
    assert is_close(rope_of(tmp_path, scaling), expected, 0.1 * math.log(4.0) + 1)


def test_factors(tmp_path: Path) -> None:
    gguf = opened(tmp_path, {})
    factors = llama_3_factors(64)
    assert factors.min() == 1
    assert factors.max() == 8
    rope = global_rope(gguf, dimensions(gguf), factors)
    assert is_close(rope, [frequency(pair) / float(factors[pair]) for pair in range(32)])


def test_local(tmp_path: Path) -> None:
    scaling = {"rope.scaling.type": text("linear"), "rope.scaling.factor": f32(8.0)}
    gguf = opened(tmp_path, scaling, "gemma3")
    found = dimensions(gguf)
    assert is_close(local_rope(found), [frequency(pair) for pair in range(32)])
    expected = [frequency(pair, base=1e6) / 8 for pair in range(32)]
    assert is_close(global_rope(gguf, found, None), expected)


def test_angles() -> None:
    rope = Rope(np.array([1.0, 0.01]), magnitude=2.0)
    angles = rope.angles(POSITIONS)
    assert angles.shape == (len(POSITIONS), 2, 2)
    assert angles.dtype == np.float32
    for row, position in zip(angles, POSITIONS.tolist(), strict=True):
        for (cosine, sine), turn in zip(row, (position, 0.01 * position), strict=True):
            assert math.isclose(cosine, 2 * math.cos(turn), abs_tol=3e-7)
            assert math.isclose(sine, 2 * math.sin(turn), abs_tol=3e-7)
