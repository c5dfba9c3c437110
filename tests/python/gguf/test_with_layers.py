"""A smaller model out of some of a model's layers."""

from pathlib import Path

from memory64 import load_model
from memory64.gguf import open_gguf
from memory64.memory import Memory64Runtime, MemoryLayout


def test_its_layers_are_those_numbered_anew(tiny: Path) -> None:
    gguf = open_gguf(tiny)
    smaller = gguf.with_layers([1, 3])
    assert smaller.layer_count == 2
    assert [info.name for info in smaller.layer(1)] == [
        info.name.replace("blk.3.", "blk.1.") for info in gguf.layer(3)
    ]
    for old, new in ((1, 0), (3, 1)):
        assert [each.file_offset for each in gguf.layer(old)] == [
            each.file_offset for each in smaller.layer(new)
        ]
    outside = [name for name, info in gguf.tensors.items() if info.layer_id is None]
    assert [name for name, info in smaller.tensors.items() if info.layer_id is None] == outside
    assert gguf.layer_count == 4
    gguf.close()


def test_it_is_placed_as_any_other(tiny: Path) -> None:
    with load_model(tiny) as model:
        smaller = model.gguf.with_layers([2])
        with Memory64Runtime(MemoryLayout.for_model(smaller)) as runtime:
            runtime.place(smaller)
            [info] = [each for each in smaller.layer(0) if each.key == "ffn_down.weight"]
            data = bytearray(info.nbytes)
            runtime.read(runtime.span(info).offset, data)
        assert data == model.get_layer(2)["ffn_down.weight"].data.tobytes()
