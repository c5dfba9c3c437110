"""Models that mean harm when they are run: each meets its error, or ends soon with what it is.

Every one of them can be opened, as its tensors can be had. After each, the process lives, and a
model without a lie gives what it gave before.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFValueType

from memory64 import (
    CancelledError,
    CapacityError,
    GGUFFormatError,
    LogitsError,
    Memory64Error,
    OutOfBoundsError,
    SourceChangedError,
    UnsupportedArchitectureError,
    UnsupportedQuantTypeError,
)
from memory64.kernels import KERNEL_TYPES
from models.small import DIM, SMALL, f32
from models.writer import TensorSpec, Value, array, header, offsets, text, u32, write

from .attack import check_refusal, check_success
from .process import Child

Q = GGMLQuantizationType
T = GGUFValueType

TOKENS = [1, *range(300, 340)]
A_BATCH = [1, *range(3, 130)]

ONE_LAYER = {kind: replace(SMALL[kind], layers=1) for kind in ("llama", "qwen2", "qwen3", "gemma3")}

CHANGED_HEADERS = 100

NAN, INFINITY = float("nan"), float("inf")


class Model:
    """A file of one layer, each part of which may be replaced by a lie."""

    def __init__(self, kind: str = "llama") -> None:
        self.architecture = ONE_LAYER[kind].architecture
        self.entries = ONE_LAYER[kind].entries("hostile")
        self.specs: dict[str, TensorSpec] = {}
        self._data: dict[str, np.ndarray] = {}
        for name, values in ONE_LAYER[kind].tensors().items():
            self.put(name, values)

    def number(self, key: str, value: Value | None) -> "Model":
        """Have that value below the architecture's name, or none."""
        whole = f"{self.architecture}.{key}"
        self.entries.pop(whole, None)
        if value is not None:
            self.entries[whole] = value
        return self

    def put(self, name: str, values: np.ndarray, quant_type: Q = Q.F32) -> "Model":
        """Have a tensor of that name with those values, or of its own shape with those bytes."""
        shape = values.shape if values.dtype == np.float32 else self.specs[name].shape
        self.specs[name] = TensorSpec(name, shape, quant_type)
        self._data[name] = np.ascontiguousarray(values)
        return self

    def without(self, name: str) -> "Model":
        del self.specs[name]
        return self

    def values(self, name: str) -> np.ndarray:
        return self._data[name]

    def write(self, folder: Path) -> Path:
        path = folder / "hostile.gguf"

        def data(spec: TensorSpec) -> Iterator[np.ndarray]:
            yield self._data[spec.name].reshape(-1).view(np.uint8)

        write(path, self.entries, list(self.specs.values()), data)
        return path


class Runner:
    """The child, in which models are opened and run."""

    def __init__(self, child: Child, folder: Path) -> None:
        self._child = child
        self._folder = folder

    def open(self, model: Model | Path, threads: int | None = None) -> None:
        path = model.write(self._folder) if isinstance(model, Model) else model
        check_success(self._child.ask("open", path=str(path), enabled=True, threads=threads))

    def start(self, model: Model | Path, threads: int | None = None) -> None:
        """Run it for the first time, which opens what the engine then keeps."""
        self.open(model, threads)
        check_success(self.ask("logits", tokens=TOKENS[:1]))

    def logits(self, model: Model | Path, tokens: Sequence[int] = TOKENS) -> dict[str, Any]:
        """What comes out of it."""
        self.open(model)
        found: dict[str, Any] = check_success(self._child.ask("logits", tokens=tokens))
        return found

    def refused(self, model: Model | Path, error: type[Memory64Error], *fragments: str) -> None:
        self.open(model)
        check_refusal(self._child.ask("logits", tokens=TOKENS), error, *fragments)

    def ask(self, request: str, **arguments: Any) -> Any:
        return self._child.ask(request, **arguments)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SMALL["gemma3"].write(tmp_path_factory.mktemp("healthy") / "model.gguf", Q.Q8_0)


@pytest.fixture(scope="module")
def health(warm_child: Child, healthy: Path) -> dict[str, Any]:
    return Runner(warm_child, healthy.parent).logits(healthy)


@pytest.fixture
def runner(child: Child, tmp_path: Path, healthy: Path, health: dict[str, Any]) -> Iterator[Runner]:
    runner = Runner(child, tmp_path)
    yield runner
    assert runner.logits(healthy) == health


def test_a_model_without_a_lie(runner: Runner) -> None:
    for kind in ONE_LAYER:
        assert runner.logits(Model(kind))["finite"]


# ── metadata ──

COUNTS = (
    "embedding_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "feed_forward_length",
    "context_length",
    "rope.dimension_count",
)
NO_COUNTS = (
    u32(0),
    u32(1 << 31),
    u32((1 << 32) - 1),
    Value(T.INT32, -1),
    Value(T.UINT64, (1 << 64) - 1),
    Value(T.BOOL, True),
    f32(64.0),
    f32(NAN),
    text("64" * 1000),
    array(T.UINT32, [64, 64]),
)


@pytest.mark.parametrize("key", COUNTS)
def test_counts_that_are_none(runner: Runner, key: str) -> None:
    for value in NO_COUNTS:
        runner.refused(Model().number(key, value), GGUFFormatError, f"llama.{key} is ")


@pytest.mark.parametrize("key", ["embedding_length", "feed_forward_length", "context_length"])
def test_counts_that_are_missing(runner: Runner, key: str) -> None:
    runner.refused(Model().number(key, None), GGUFFormatError, f"llama.{key} is missing")


@pytest.mark.parametrize(
    ("key", "value", "fragment"),
    [
        ("embedding_length", 250, "no multiple of 4"),
        ("embedding_length", 512, "'token_embd.weight' has shape"),
        ("attention.head_count", 3, "3 heads cannot share 2"),
        ("attention.head_count", 8, "'blk.0.attn_q.weight' has shape"),
        ("attention.head_count", 1 << 30, "beyond all reason"),
        ("attention.head_count_kv", 3, "4 heads cannot share 3"),
        ("attention.head_count_kv", 8, "4 heads cannot share 8"),
        ("attention.head_count_kv", 4, "'blk.0.attn_k.weight' has shape"),
        ("attention.key_length", 65, "multiple of 8"),
        ("attention.key_length", 520, "multiple of 8 up to 512"),
        ("attention.key_length", 32, "values of 64 elements for keys of 32"),
        ("attention.value_length", 32, "values of 32 elements for keys of 64"),
        ("feed_forward_length", 510, "no multiple of 4"),
        ("feed_forward_length", 1024, "'blk.0.ffn_gate.weight' has shape"),
        ("context_length", 1 << 25, "context_length"),
        ("rope.dimension_count", 66, "rope.dimension_count 66"),
        ("rope.dimension_count", 63, "rope.dimension_count 63"),
    ],
)
def test_counts_that_disagree(runner: Runner, key: str, value: int, fragment: str) -> None:
    runner.refused(Model().number(key, u32(value)), GGUFFormatError, fragment)


def test_more_heads_than_elements(runner: Runner) -> None:
    model = Model().number("attention.head_count", u32(1000)).number("attention.key_length", None)
    runner.refused(model, GGUFFormatError, "heads of 0 elements")


def test_no_layers(runner: Runner) -> None:
    model = Model().number("block_count", u32(0))
    for name in list(model.specs):
        if name.startswith("blk."):
            model.without(name)
    runner.refused(model, GGUFFormatError, "no layers")


@pytest.mark.parametrize(
    "key",
    [
        "attention.layer_norm_rms_epsilon",
        "rope.freq_base",
        "rope.scaling.factor",
        "rope.scaling.attn_factor",
        "rope.scaling.original_context_length",
        "rope.scaling.yarn_beta_fast",
        "rope.scaling.yarn_beta_slow",
    ],
)
def test_numbers_that_make_no_sense(runner: Runner, key: str) -> None:
    values = [f32(0), f32(-1), f32(NAN), f32(INFINITY), f32(3e38), Value(T.FLOAT64, 1e308)]
    values += [Value(T.FLOAT64, -INFINITY), Value(T.BOOL, True), text("1e4"), array(T.FLOAT32, [1])]
    for value in values:
        model = Model().number("rope.scaling.type", text("yarn")).number(key, value)
        runner.refused(model, GGUFFormatError, f"llama.{key} is ")


CAPS = ("attn_logit_softcapping", "final_logit_softcapping")


@pytest.mark.parametrize("key", CAPS)
def test_caps_that_make_no_sense(runner: Runner, key: str) -> None:
    values = [f32(-1), f32(-1e-40), f32(NAN), f32(INFINITY), f32(-INFINITY), f32(1e6), f32(3e38)]
    values += [Value(T.BOOL, False), text("30"), array(T.FLOAT32, [30])]
    for value in values:
        runner.refused(Model().number(key, value), GGUFFormatError, f"llama.{key} is ")


@pytest.mark.parametrize("key", CAPS)
def test_caps_at_their_limits(runner: Runner, key: str) -> None:
    without = runner.logits(Model())
    for none in (f32(0), f32(-0.0), Value(T.UINT32, 0)):
        assert runner.logits(Model().number(key, none)) == without
    for value in (f32(1e-45), f32(1e-20), f32(1000), Value(T.FLOAT64, 1e-300)):
        assert runner.logits(Model().number(key, value))["finite"]


@pytest.mark.parametrize("factor", [1e-5, 0.5, 1.0, 1e9])
@pytest.mark.parametrize("original", [1, 1 << 24])
def test_scaling_at_its_limits(runner: Runner, factor: float, original: int) -> None:
    model = Model().number("rope.scaling.type", text("yarn"))
    model.number("rope.scaling.factor", f32(factor))
    model.number("rope.scaling.original_context_length", u32(original))
    model.number("rope.freq_base", f32(2.5))
    assert runner.logits(model)["finite"]


@pytest.mark.parametrize("kind", [text("longrope"), text("x" * 5000), u32(1), f32(1.0)])
def test_kinds_of_scaling_that_are_unknown(runner: Runner, kind: Value) -> None:
    model = Model().number("rope.scaling.type", kind)
    runner.refused(model, GGUFFormatError, "llama.rope.scaling.type", "known are")


@pytest.mark.parametrize("name", ["mamba", "LLAMA", "gemma4", "x" * 64])
def test_architectures_that_are_unknown(runner: Runner, name: str) -> None:
    model = Model()
    model.entries["general.architecture"] = text(name)
    model.entries[f"{name}.block_count"] = u32(1)
    runner.refused(model, UnsupportedArchitectureError, name[:20], "gemma3")


# ── tensors ──


@pytest.mark.parametrize("kind", ONE_LAYER)
def test_tensors_that_are_missing(runner: Runner, kind: str) -> None:
    for name in Model(kind).specs:
        if name != "output.weight":  # then it is that of the embedding
            runner.refused(Model(kind).without(name), GGUFFormatError, name)


@pytest.mark.parametrize("kind", ONE_LAYER)
def test_tensors_of_another_shape(runner: Runner, kind: str) -> None:
    for name, (*rows, cols) in _shapes(kind).items():
        for shape in ((*rows, cols + 4), (*rows, cols - 4), (cols, *rows, 1), (1, *rows, cols)):
            model = Model(kind).put(name, np.ones(shape, np.float32))
            runner.refused(model, GGUFFormatError, f"{name!r}")


def _shapes(kind: str) -> dict[str, tuple[int, ...]]:
    return {name: spec.shape for name, spec in Model(kind).specs.items()}


@pytest.mark.parametrize("name", ["output.weight", "blk.0.attn_output.weight"])
def test_matrices_of_other_rows(runner: Runner, name: str) -> None:
    for rows in (1, Model().specs[name].shape[0] - 1, Model().specs[name].shape[0] + 1):
        model = Model().put(name, np.ones((rows, DIM), np.float32))
        runner.refused(model, GGUFFormatError, f"{name!r} has shape")


@pytest.mark.parametrize("name", ["blk.0.attn_q.bias", "blk.0.ffn_gate_inp.weight", "lm_head.bias"])
def test_tensors_that_would_be_left_out(runner: Runner, name: str) -> None:
    model = Model().put(name, np.ones(DIM, np.float32))
    runner.refused(model, GGUFFormatError, name, "no use")


@pytest.mark.parametrize("quant_type", [Q.F16, Q.BF16, Q.F64, Q.I32])
def test_vectors_of_another_type(runner: Runner, quant_type: Q) -> None:
    for name in ("output_norm.weight", "blk.0.ffn_norm.weight"):
        nbytes = TensorSpec(name, (DIM,), quant_type).nbytes
        model = Model().put(name, np.zeros(nbytes, np.uint8), quant_type)
        runner.refused(model, UnsupportedQuantTypeError, name, quant_type.name, "F32")


@pytest.mark.parametrize("quant_type", [Q.F64, Q.I8, Q.IQ2_XXS, Q.TQ1_0, Q.MXFP4, Q.Q8_K])
def test_matrices_of_types_that_are_not_computed_with(runner: Runner, quant_type: Q) -> None:
    for name in ("token_embd.weight", "blk.0.attn_q.weight", "output.weight"):
        nbytes = TensorSpec(name, Model().specs[name].shape, quant_type).nbytes
        model = Model().put(name, np.zeros(nbytes, np.uint8), quant_type)
        runner.refused(model, UnsupportedQuantTypeError, name, quant_type.name)


@pytest.mark.parametrize(
    "factors",
    [
        np.ones(31),
        np.ones(64),
        np.zeros(32),
        np.full(32, -1),
        np.full(32, NAN),
        np.full(32, INFINITY),
    ],
    ids=["short", "long", "zeros", "negative", "nan", "infinite"],
)
def test_rope_factors_that_make_no_sense(runner: Runner, factors: np.ndarray) -> None:
    model = Model().put("rope_freqs.weight", factors.astype(np.float32))
    runner.refused(model, GGUFFormatError, "rope_freqs.weight")


def test_rope_factors_of_another_type(runner: Runner) -> None:
    model = Model().put("rope_freqs.weight", np.ones(32, np.float32))
    model.put("rope_freqs.weight", np.zeros(64, np.uint8), Q.F16)
    runner.refused(model, UnsupportedQuantTypeError, "rope_freqs.weight", "F16")


# ── values ──


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY, 3e38, 1e-45])
def test_values_beyond_numbers(runner: Runner, value: float) -> None:
    for name in ("token_embd.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight"):
        values = np.full_like(Model().values(name), value)
        runner.logits(Model().put(name, values))


@pytest.mark.parametrize("quant_type", [Q(number) for number in sorted(KERNEL_TYPES)])
def test_random_bytes(runner: Runner, quant_type: Q) -> None:
    """Every pattern of scales is among them, infinite ones and those that are no numbers."""
    chance = np.random.default_rng(quant_type)
    model = Model("gemma3")
    for name, spec in list(model.specs.items()):
        if len(spec.shape) == 2:
            nbytes = TensorSpec(name, spec.shape, quant_type).nbytes
            model.put(name, chance.integers(0, 256, nbytes, np.uint8), quant_type)
    runner.logits(model, A_BATCH)


def test_no_token_follows_what_is_no_number(runner: Runner) -> None:
    name = "output.weight"
    runner.start(Model().put(name, np.full_like(Model().values(name), NAN)))
    check_refusal(runner.ask("generate", prompt="bada"), LogitsError)


def test_a_vocabulary_of_more_tokens_than_rows(runner: Runner) -> None:
    model = Model()
    for name in ("token_embd.weight", "output.weight"):
        model.put(name, model.values(name)[:300])
    runner.start(model)
    check_refusal(runner.ask("generate", prompt="bada bada"), OutOfBoundsError, "0 to 299")


# ── anything ──


@pytest.mark.parametrize("kind", ONE_LAYER)
def test_headers_changed_at_random(runner: Runner, kind: str, tmp_path: Path) -> None:
    """Some of them are models still, which then run."""
    model = replace(ONE_LAYER[kind], dim=32, feed_forward=32, heads=2, kv_heads=1, head_dim=16)
    content = model.write(tmp_path / "model.gguf", Q.Q8_0).read_bytes()
    words = content.index(b"tokenizer.ggml.tokens"), content.index(b"tokenizer.ggml.add_bos")
    data = content.rindex(b".weight") + 32
    places = [*range(24, words[0]), *range(words[1], data)]
    endings: Counter[str] = Counter()
    for seed in range(CHANGED_HEADERS):
        path = tmp_path / f"{seed}.gguf"
        path.write_bytes(_changed(content, places, random.Random(seed)))
        answer = runner.ask("open", path=str(path), enabled=True)
        if answer.error is None:
            answer = runner.ask("logits", tokens=TOKENS)
        assert answer.error is None or answer.code.startswith("ERR_MEMORY64"), answer.traceback
        endings[answer.error or "ran"] += 1
    assert endings["ran"] > 0
    assert endings["GGUFFormatError"] > 0


def _changed(content: bytes, places: Sequence[int], chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.choice(places)
        if chance.random() < 0.5:
            data[at] = chance.randrange(256)
        else:
            data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


# ── sizes ──


def test_more_to_compute_than_there_is_memory(runner: Runner, tmp_path: Path) -> None:
    """The file is a hole, but for its header."""
    width = 1 << 27
    model = Model().number("feed_forward_length", u32(width))
    model.number("embedding_length", u32(4))
    for key in ("attention.key_length", "attention.value_length", "rope.dimension_count"):
        model.number(key, u32(8))
    shapes = {
        **{"token_embd": (300, 4), "output_norm": (4,)},
        **{"blk.0.attn_norm": (4,), "blk.0.ffn_norm": (4,)},
        **{"blk.0.attn_q": (32, 4), "blk.0.attn_k": (16, 4), "blk.0.attn_v": (16, 4)},
        **{"blk.0.attn_output": (4, 32), "blk.0.ffn_down": (4, width)},
        **{"blk.0.ffn_gate": (width, 4), "blk.0.ffn_up": (width, 4)},
    }
    specs = [TensorSpec(f"{name}.weight", shape, Q.F32) for name, shape in shapes.items()]
    start = header(model.entries, specs)
    path = tmp_path / "hole.gguf"
    path.write_bytes(start)
    os.truncate(path, len(start) + offsets(specs, 32)[-1])
    runner.refused(path, CapacityError, "beside the model")


# ── while it runs ──


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A model that takes long enough to be looked at meanwhile."""
    return replace(SMALL["gemma3"], layers=24).write(tmp_path / "deep.gguf", Q.Q8_0)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_that_becomes_shorter(runner: Runner, deep: Path, threads: int) -> None:
    runner.start(deep, threads)
    answer = runner.ask("logits_cut_short", tokens=A_BATCH, size=deep.stat().st_size // 8)
    check_refusal(answer, SourceChangedError)
    check_refusal(runner.ask("logits", tokens=TOKENS), SourceChangedError)


def test_a_file_that_is_written_to(runner: Runner, deep: Path) -> None:
    runner.start(deep)
    with open(deep, "r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(bytes(1000))
    check_refusal(runner.ask("logits", tokens=TOKENS), SourceChangedError)


@pytest.mark.parametrize("threads", [1, 2])
def test_cancelled_and_run_again(runner: Runner, deep: Path, threads: int) -> None:
    expected = runner.logits(deep)
    runner.start(deep, threads)
    for _ in range(3):
        check_refusal(runner.ask("logits_cancelled", tokens=A_BATCH), CancelledError)
        assert check_success(runner.ask("logits", tokens=TOKENS)) == expected
