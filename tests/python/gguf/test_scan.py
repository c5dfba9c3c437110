"""The header scan says what the gguf package's own reader says."""

from pathlib import Path

import numpy as np
import pytest

from memory64.gguf import open_gguf
from models import generate
from tests.oracle import reader


@pytest.fixture(
    params=["smollm2", "gemma", "beyond_4gib", "every_value_type", "every_quant_type", "v2", "4096"]
)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"{request.param}.gguf"
    match request.param:
        case "every_value_type":
            return generate.every_value_type(path)
        case "every_quant_type":
            return generate.every_quant_type(path)
        case "v2":
            return generate.tiny(path, version=2, order="lexicographic", layers=12)
        case "4096":
            return generate.tiny(path, alignment=4096)
        case fixture:
            return Path(request.getfixturevalue(fixture))


def test_metadata_equals_the_oracles(model: Path) -> None:
    scanned = open_gguf(model)
    expected = {
        key: field.contents()
        for key, field in reader(model).fields.items()
        if not key.startswith("GGUF.")
    }
    assert list(scanned.metadata) == list(expected)
    for key, value in expected.items():
        np.testing.assert_equal(scanned.metadata[key], value, err_msg=key)
    scanned.close()


def test_directory_equals_the_oracles(model: Path) -> None:
    scanned = open_gguf(model)
    expected = reader(model).tensors
    assert list(scanned.tensors) == [tensor.name for tensor in expected]
    for tensor in expected:
        info = scanned.tensors[tensor.name]
        assert info.shape == tuple(reversed(tensor.shape.tolist()))
        assert info.quant_type == tensor.tensor_type
        assert info.nbytes == tensor.n_bytes
        assert info.file_offset == tensor.data_offset
    scanned.close()


def test_arrays_are_read_only_when_asked_for(gemma: Path) -> None:
    scanned = open_gguf(gemma)
    array = scanned.metadata.array("tokenizer.ggml.tokens")
    assert array is not None
    assert (array.length, array.element_type.name) == (262_144, "STRING")
    assert scanned.metadata.array("general.architecture") is None
    assert scanned.metadata["tokenizer.ggml.tokens"][:4] == ["<pad>", "<eos>", "<bos>", "<unk>"]
    scanned.close()


def test_bytes_in_memory_scan_like_the_file(tiny: Path) -> None:
    from_file, from_bytes = open_gguf(tiny), open_gguf(tiny.read_bytes())
    assert dict(from_file.metadata) == dict(from_bytes.metadata)
    assert [t.file_offset for t in from_file.tensors.values()] == [
        t.file_offset for t in from_bytes.tensors.values()
    ]
    from_file.close()
