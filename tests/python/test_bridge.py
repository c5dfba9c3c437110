"""What the addon calls: JavaScript's names, buffers that are the caller's own."""

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory64 import CancelledError, ClosedError, GuestTimeoutError, GuestTrapError, bridge
from memory64.bridge import BridgedModel
from memory64.guest import Guest
from memory64.inference import Session
from models import generate
from models.split import split


class Call:
    def __init__(self, cancelled: bool = False) -> None:
        self.fractions: list[float] = []
        self._cancelled = cancelled

    def cancelled(self) -> bool:
        return self._cancelled

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)


@pytest.fixture(params=[True, False], ids=["memory64", "standard"])
def model(request: pytest.FixtureRequest, tiny: Path) -> BridgedModel:
    return bridge.load_model(str(tiny), {"memory64": request.param}, Call())


def test_options_have_javascripts_names(tiny: Path) -> None:
    layout = [{"name": "layers_0_3", "sizeGb": 1}, {"name": "others", "sizeGb": 1}]
    options = {"memory64": True, "maxCached": 2, "capacityBytes": 10**6, "policy": "lru"}
    call = Call()
    model = bridge.load_model(str(tiny), {**options, "layout": layout}, call)
    stats = bridge.cache_stats(model)
    assert (stats["maxCached"], stats["capacityBytes"]) == (2, 10**6)
    assert [r.name for r in model.model.runtime.stats().regions] == ["layers_0_3", "others"]
    assert call.fractions[-1] == 1.0


def test_the_description_is_plain(model: BridgedModel, tiny: Path) -> None:
    description = bridge.describe(model)
    json.dumps(description)
    assert description["layerCount"] == 4
    assert description["metadata"]["general.architecture"] == "llama"
    assert description["metadata"]["tokenizer.ggml.tokens"] == {"type": "string", "length": 320}
    part = {"key": "tokenizer.ggml.tokens", "start": 1, "stop": 3}
    assert bridge.read_metadata(model, part, Call()) == ["<s>", "</s>"]
    tensors = {tensor["name"]: tensor for tensor in description["tensors"]}
    assert tensors["blk.3.attn_q.weight"]["layer"] == 3
    assert tensors["output.weight"]["layer"] is None


def test_a_layer_is_one_run_of_the_files_bytes(model: BridgedModel, tiny: Path) -> None:
    raw = tiny.read_bytes()
    for layer_id in range(4):
        (run,) = bridge.get_layer(model, layer_id, Call())
        for info in model.model.gguf.layer(layer_id):
            at = model.model.runtime.span(info).offset - run["offset"]
            expected = raw[info.file_offset : info.file_end]
            assert run["data"][at : at + info.nbytes] == expected


def test_a_layer_over_two_parts_is_two_runs(tiny: Path, tmp_path: Path) -> None:
    parts = split(tiny, tmp_path, 2)
    model = bridge.load_model(str(parts[0]), {"memory64": True}, Call())
    raws = {str(part): part.read_bytes() for part in parts}
    counts = []
    for layer_id in range(4):
        runs = bridge.get_layer(model, layer_id, Call())
        counts.append(len(runs))
        for info in model.model.gguf.layer(layer_id):
            offset = model.model.runtime.span(info).offset
            (run,) = [r for r in runs if 0 <= offset - r["offset"] < len(r["data"])]
            at = offset - run["offset"]
            expected = raws[info.source.name][info.file_offset : info.file_end]
            assert run["data"][at : at + info.nbytes] == expected
    assert sorted(counts) == [1, 1, 1, 2]


def test_what_is_written_stays_in_the_view(model: BridgedModel, tiny: Path) -> None:
    before = tiny.read_bytes()
    (run,) = bridge.get_layer(model, 0, Call())
    run["data"][:100] = bytes(range(100))
    assert tiny.read_bytes() == before
    tensor = next(iter(model.model.get_layer(0).values()))
    assert (
        tensor.data.tobytes() == before[model.model.gguf.layer(0)[0].file_offset :][: tensor.nbytes]
    )


def test_the_same_view_while_somebody_holds_it(model: BridgedModel) -> None:
    (first,) = bridge.get_layer(model, 0, Call())
    first["data"][0] = 77
    (second,) = bridge.get_layer(model, 0, Call())
    assert second["data"] is first["data"]
    del first, second
    gc.collect()
    (third,) = bridge.get_layer(model, 0, Call())
    assert third["data"][0] != 77


def test_views_outlive_eviction_and_close(model: BridgedModel, tiny: Path) -> None:
    (run,) = bridge.get_layer(model, 1, Call())
    bridge.clear_cache(model)
    bridge.close(model)
    bridge.close(model)
    start = model.model.gguf.layers[1][0].file_offset
    assert run["data"] == tiny.read_bytes()[start : start + len(run["data"])]
    with pytest.raises(ClosedError):
        bridge.get_layer(model, 1, Call())


def test_values_and_preloading(model: BridgedModel) -> None:
    values = bridge.load_tensor(model, "output.weight", Call())
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    assert values.flags.writeable
    call = Call()
    bridge.preload_all_layers(model, call)
    assert call.fractions[-1] == 1.0
    assert bridge.cache_stats(model)["cachedLayers"] == 4


def test_cancelled_calls(tiny: Path) -> None:
    model = bridge.load_model(str(tiny), {"memory64": True}, Call())
    for use in (
        lambda call: bridge.get_layer(model, 0, call),
        lambda call: bridge.load_tensor(model, "output.weight", call),
        lambda call: bridge.preload_all_layers(model, call),
        lambda call: bridge.load_model(str(tiny), {"memory64": False}, call),
    ):
        with pytest.raises(CancelledError):
            use(Call(cancelled=True))


def test_keys_differ_between_models(tmp_path: Path) -> None:
    models = [
        bridge.load_model(str(generate.tiny(tmp_path / f"{n}.gguf", seed=str(n))), {}, Call())
        for n in range(2)
    ]
    first, second = (bridge.get_layer(model, 0, Call())[0]["data"] for model in models)
    assert first != second


@pytest.mark.parametrize("request_", [{"prompt": [1, 2, 3]}, {"prompts": [[1, 2], [3]]}])
def test_a_model_that_made_text_goes_without_the_garbage_collector(
    tiny: Path, request_: dict[str, Any]
) -> None:
    gc.disable()
    try:
        model = bridge.load_model(str(tiny), {"memory64": True}, Call())
        text = bridge.open_generation(model, {**request_, "maxTokens": 2}, Call())
        bridge.next_piece(text, None, Call())
        bridge.close_generation(text)
        bridge.close(model)
        gone = weakref.ref(model.model.gguf)
        del model, text
        assert gone() is None
    finally:
        gc.enable()


def test_a_model_that_is_dropped_goes_without_the_garbage_collector(tiny: Path) -> None:
    gc.disable()
    try:
        bridged = bridge.load_model(str(tiny), {"memory64": True}, Call())
        bridge.get_layer(bridged, 0, Call())
        model = bridged.model
        del bridged
        with pytest.raises(ClosedError):
            model.get_layer(0)
        gone = weakref.ref(model.gguf)
        del model
        assert gone() is None
    finally:
        gc.enable()


GUEST = b"""(module
  (import "memory64" "region_weights" (memory $weights i64 1))
  (memory (export "memory") 1)
  (func (export "grow") (param i32) (result i32) (memory.grow 1 (local.get 0)))
  (func (export "load") (param i64) (result i64) (i64.load $weights (local.get 0)))
  (func (export "turn") (param f32 i32) (result i32 f32) (local.get 1) (local.get 0))
  (func (export "none"))
  (func (export "spin") (loop $l (br $l))))"""


def results(guest: Guest, name: str, *args: float, timeout_ms: float | None = None) -> list[float]:
    request = {"name": name, "args": list(args)}
    if timeout_ms is not None:
        request["timeoutMs"] = timeout_ms
    return bridge.call_guest(guest, request, Call())


def test_a_guest_is_called_by_name(model: BridgedModel, tiny: Path) -> None:
    guest = bridge.open_guest(model, {"wasm": GUEST}, Call())
    assert bridge.describe_guest(guest)["exports"]["turn"] == "(f32, i32) -> (i32, f32)"
    assert results(guest, "none") == []
    assert results(guest, "turn", 0.5, 7) == [7, 0.5]
    tensor = model.model.gguf.tensor("blk.2.attn_q.weight")
    at = model.model.runtime.span(tensor).offset
    word = tiny.read_bytes()[tensor.file_offset :][:8]
    assert results(guest, "load", at) == [int.from_bytes(word, "little", signed=True)]


def test_a_guests_memory_is_read_and_written(model: BridgedModel) -> None:
    guest = bridge.open_guest(model, {"wasm": GUEST}, Call())
    assert bridge.guest_memory_bytes(guest) == 65536
    bridge.write_guest(guest, {"pointer": 7, "bytes": b"seven"}, Call())
    read = bridge.read_guest(guest, {"pointer": 6, "size": 7}, Call())
    assert read == b"\0seven\0"
    assert not memoryview(read).readonly  # JavaScript gets it in place


def test_a_guests_options_have_javascripts_names(model: BridgedModel) -> None:
    options = {"memoryBytes": 2 * 65536, "tableElements": 1, "timeoutMs": 20, "wasi": True}
    guest = bridge.open_guest(model, {"wasm": GUEST, **options}, Call())
    grown = [results(guest, "grow", 1, timeout_ms=60_000) for _ in range(2)]
    assert grown == [[1], [-1]]
    with pytest.raises(GuestTimeoutError, match=r"0\.02 s"):
        results(guest, "spin")
    with pytest.raises(GuestTimeoutError, match=r"0\.01 s"):
        results(guest, "spin", timeout_ms=10)
    limited = bridge.open_guest(model, {"wasm": GUEST, "fuel": 1000}, Call())
    with pytest.raises(GuestTrapError, match="fuel of 1000"):
        results(limited, "spin")


def test_a_cancelled_guest_stops(model: BridgedModel) -> None:
    guest = bridge.open_guest(model, {"wasm": GUEST}, Call())
    with pytest.raises(CancelledError):
        bridge.call_guest(guest, {"name": "spin", "args": []}, Call(cancelled=True))
    assert results(guest, "none") == []


def test_guests_are_closed_with_their_model(model: BridgedModel) -> None:
    guests = [bridge.open_guest(model, {"wasm": GUEST}, Call()) for _ in range(2)]
    bridge.close_guest(guests[0])
    bridge.close_guest(guests[0])
    bridge.close(model)
    for guest in guests:
        with pytest.raises(ClosedError, match="guest"):
            bridge.guest_memory_bytes(guest)
    with pytest.raises(ClosedError):
        bridge.open_guest(model, {"wasm": GUEST}, Call())


def test_a_model_does_not_keep_its_guests(model: BridgedModel) -> None:
    gone = weakref.ref(bridge.open_guest(model, {"wasm": GUEST}, Call()))
    gc.collect()
    assert gone() is None


def pieces(owner: BridgedModel | Session, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """All of a generation's text, and how it stands at the end."""
    generation = bridge.open_generation(owner, request, Call())
    assert bridge.describe_generation(generation) == {}
    text = ""
    while (step := bridge.next_piece(generation, None, Call()))["piece"] is not None:
        text += step["piece"]
    bridge.close_generation(generation)
    return text, step


def test_text_is_asked_for_in_pieces(smollm2: Path) -> None:
    model = bridge.load_model(str(smollm2), {"threads": 1}, Call())
    request = {"maxTokens": 5, "temperature": 0, "topK": 3, "stop": None}
    tokens = bridge.tokenize(model, {"text": "The capital of France is"}, Call())
    text, step = pieces(model, {"prompt": tokens, **request})
    assert "Paris" in text
    assert step["finishReason"] == "length"
    assert (step["usage"]["promptTokens"], step["usage"]["tokens"]) == (5, 5)
    assert bridge.detokenize(model, tokens, Call()) == "The capital of France is"
    messages = [{"role": "user", "content": "What is 2+2?"}]
    assert "4" in pieces(model, {"messages": messages, **request, "maxTokens": 60})[0]
    assert bridge.embed(model, {"text": "France", "pooling": "last"}, Call()).shape == (576,)
    bridge.close(model)


def test_each_piece_can_be_cancelled(model: BridgedModel) -> None:
    generation = bridge.open_generation(
        model, {"prompt": [1, 2, 3], "temperature": 0}, Call(cancelled=True)
    )
    bridge.next_piece(generation, None, Call())
    with pytest.raises(CancelledError):
        bridge.next_piece(generation, None, Call(cancelled=True))


def test_a_session_has_javascripts_names(model: BridgedModel, tmp_path: Path) -> None:
    options = {"contextLength": 32}
    session = bridge.open_session(model, options, Call())
    described = bridge.describe_session(session)
    assert described == {
        "contextLength": 32,
        "memoryBytes": bridge.session_bytes(model, options, Call()),
    }
    assert bridge.session_logits(session, [1, 2], Call()).shape == (2, 320)
    bridge.save_session(session, str(tmp_path / "saved"), Call())
    bridge.clear_session(session)
    assert bridge.session_tokens(session) == []
    bridge.restore_session(session, str(tmp_path / "saved"), Call())
    assert bridge.session_tokens(session) == [1, 2]
    assert pieces(session, {"prompt": [1, 2, 3], "maxTokens": 2})[1]["usage"]["cachedTokens"] == 2
    bridge.close_session(session)
