"""Dequantised values are the gguf package's, bit for bit, for every type it knows."""

from pathlib import Path

import libgguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants

from memory64 import CancelledError, UnsupportedQuantTypeError, load_model
from memory64.gguf import dequantize
from models import generate
from tests.oracle import reader


@pytest.fixture(scope="module")
def every_type(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate.every_quant_type(tmp_path_factory.mktemp("types") / "types.gguf")


@pytest.mark.parametrize("quant_type", GGMLQuantizationType, ids=lambda type_: type_.name)
def test_every_type(every_type: Path, quant_type: GGMLQuantizationType) -> None:
    (stored,) = [t for t in reader(every_type).tensors if t.tensor_type == quant_type]
    with load_model(every_type) as model:
        tensor = model.tensors[stored.name]
        try:
            expected = quants.dequantize(stored.data, quant_type)
        except NotImplementedError:
            with pytest.raises(UnsupportedQuantTypeError, match=quant_type.name):
                tensor.dequantize()
            return
        values = tensor.dequantize()
        assert values.dtype == np.float32
        assert values.shape == tensor.shape
        assert values.tobytes() == expected.astype(np.float32).tobytes()


@pytest.mark.parametrize("name", ["smollm2", "gemma"])
def test_every_tensor_of_a_real_model(name: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(name)
    with load_model(path, memory64=True) as model:
        for stored in reader(path).tensors:
            expected = quants.dequantize(stored.data, stored.tensor_type)
            assert model.load_tensor(stored.name).tobytes() == expected.tobytes(), stored.name


def test_a_model_beyond_4_gib_against_a_second_oracle(beyond_4gib: Path) -> None:
    with load_model(beyond_4gib) as model:
        for stored in reader(beyond_4gib).tensors:
            if stored.tensor_type in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
                expected = stored.data.astype(np.float32)
            else:
                row_length = int(stored.shape[0])
                expected = libgguf.dequantize_rows(stored.data, stored.tensor_type, row_length)
            assert np.array_equal(model.load_tensor(stored.name), expected), stored.name


def test_a_cancelled_one_stops_in_the_middle(beyond_4gib: Path) -> None:
    with load_model(beyond_4gib) as model:
        tensor = model.tensors["blk.0.ffn_up.weight"]
        asked: list[None] = []

        def at_the_third_question() -> bool:
            asked.append(None)
            return len(asked) == 3

        with pytest.raises(CancelledError, match=f"byte [1-9][0-9]* of {tensor.nbytes}"):
            dequantize(
                tensor.data, tensor.quant_type, tensor.shape, tensor.name, at_the_third_question
            )
        assert len(asked) == 3


def test_the_values_are_the_callers_own(tiny: Path) -> None:
    with load_model(tiny) as model:
        norm = model.tensors["output_norm.weight"]  # stored as F32: no conversion is needed
        values = norm.dequantize()
        values[:] = 7
        assert (norm.dequantize() != 7).any()


def test_numpy_takes_a_tensor_as_it_is(tiny: Path) -> None:
    with load_model(tiny) as model:
        tensor = model.tensors["blk.0.attn_q.weight"]
        assert np.array_equal(np.asarray(tensor), tensor.dequantize())
        assert np.asarray(tensor, np.float64).dtype == np.float64
        with pytest.raises(ValueError, match="copies"):
            np.asarray(tensor, copy=False)
