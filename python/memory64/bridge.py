"""What the Node addon calls, and nothing else.

Keys are JavaScript's, in camelCase. Every function may run on any thread, several at once;
``call`` belongs to one call and is made by the addon.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet, WeakValueDictionary, finalize

from numpy import float32
from numpy.typing import NDArray

from .gguf import Metadata, TensorInfo
from .guest import Guest, GuestLimits
from .loader import load_model as _load_model
from .memory import MemoryLayout, PrivateRun
from .model import Memory64Model

if TYPE_CHECKING:
    from .inference import (
        Continuation,
        Generation,
        GenerationBatch,
        LiveStats,
        Session,
        TokenLogprob,
    )
    from .planning import Rate
    from .streaming import StreamStats

SHORT_ARRAY_LENGTH = 64
"""Metadata arrays up to this length are handed over whole, longer ones when asked for."""


class Call(Protocol):
    """One call from JavaScript."""

    def cancelled(self) -> bool:
        """Whether its AbortSignal has fired."""
        ...

    def progress(self, fraction: float) -> None:
        """Tell ``onProgress``."""
        ...


class BridgedModel:
    """A model, its guests, and the views of its layers that JavaScript holds."""

    def __init__(self, model: Memory64Model) -> None:
        """Begin with none handed out."""
        self.model = model
        self._lock = Lock()
        self._guests: WeakSet[Guest] = WeakSet()
        self._offsets: dict[int, list[int]] = {}
        self._views: WeakValueDictionary[int, memoryview] = WeakValueDictionary()
        # JavaScript may drop a model without closing it. Its layers and their manager refer to
        # each other, so that it would stay until Python looks for cycles, which may take hours.
        finalize(self, model.close).atexit = False

    def layer_runs(self, layer_id: int) -> list[PrivateRun]:
        """The bytes of a layer; the same views as before while somebody holds them."""
        with self._lock:
            try:
                return [PrivateRun(at, self._views[at]) for at in self._offsets[layer_id]]
            except KeyError:  # never handed out, or one of them let go of since
                fresh = self.model.private_layer(layer_id)
                runs = [PrivateRun(at, self._views.get(at, view)) for at, view in fresh]
                self._offsets[layer_id] = [run.offset for run in runs]
                self._views.update(runs)
                return runs

    def adopt(self, guest: Guest) -> None:
        """Remember a guest, which lasts no longer than the model."""
        with self._lock:
            self._guests.add(guest)

    def close(self) -> None:
        """Close the guests and the model."""
        with self._lock:
            guests = list(self._guests)
        for guest in guests:
            guest.close()
        self.model.close()


def load_model(source: str, options: dict[str, Any], call: Call) -> BridgedModel:
    """Open a model; ``options`` are those of JavaScript's ``LoadOptions``."""
    layout = options.get("layout")
    model = _load_model(
        source,
        memory64=options.get("memory64", "auto"),
        layout=layout and MemoryLayout.multi([(part["name"], part["sizeGb"]) for part in layout]),
        max_cached=options.get("maxCached"),
        capacity_bytes=options.get("capacityBytes"),
        policy=options.get("policy", "lru"),
        prefetch=options.get("prefetch"),
        threads=options.get("threads"),
        progress=call.progress,
        cancelled=call.cancelled,
    )
    return BridgedModel(model)


def describe(bridged: BridgedModel) -> dict[str, Any]:
    """What does not change about a model."""
    model = bridged.model
    return {
        "source": model.source,
        "architecture": model.architecture,
        "layerCount": model.layer_count,
        "sizeBytes": model.size_bytes,
        "memory64": model.memory64,
        "metadata": {key: _short(model.metadata, key) for key in model.metadata},
        "tensors": [_described(model, info) for info in model.gguf.tensors.values()],
    }


def get_layer(bridged: BridgedModel, layer_id: int, call: Call) -> list[dict[str, Any]]:
    """Make a layer resident: its bytes as runs ``{offset, data}``, mostly one."""
    bridged.model.get_layer(layer_id, cancelled=call.cancelled)
    return [run._asdict() for run in bridged.layer_runs(layer_id)]


class BridgedWalk:
    """A walk over the layers of a model."""

    def __init__(self, bridged: BridgedModel) -> None:
        """Begin before the first layer."""
        self.model = bridged
        self.layers = bridged.model.walk()


def open_walk(bridged: BridgedModel, nothing: None, call: Call) -> BridgedWalk:
    """Begin to walk over the layers."""
    del nothing, call
    return BridgedWalk(bridged)


def describe_walk(walk: BridgedWalk) -> dict[str, Any]:
    """Nothing about it stays the same."""
    del walk
    return {}


def next_layer(walk: BridgedWalk, nothing: None, call: Call) -> dict[str, Any] | None:
    """The next layer's number and bytes, as of ``get_layer``; None at the end."""
    del nothing
    layer = walk.layers.next(call.cancelled)
    if layer is None:
        return None
    runs = walk.model.layer_runs(layer.layer_id)
    return {"id": layer.layer_id, "runs": [run._asdict() for run in runs]}


def close_walk(walk: BridgedWalk) -> None:
    """Load nothing more ahead; closing twice is fine."""
    walk.layers.close()


def load_tensor(bridged: BridgedModel, name: str, call: Call) -> NDArray[float32]:
    """The values of a tensor."""
    return bridged.model.load_tensor(name, cancelled=call.cancelled)


def read_metadata(bridged: BridgedModel, part: dict[str, Any], call: Call) -> list[Any]:
    """Those elements of the array ``key`` from ``start`` up to ``stop``."""
    del call  # reading takes milliseconds
    return bridged.model.metadata.elements(part["key"], part["start"], part["stop"])


def preload_all_layers(bridged: BridgedModel, call: Call) -> None:
    """Make every layer resident."""
    bridged.model.preload_all_layers(progress=call.progress, cancelled=call.cancelled)


def cache_stats(bridged: BridgedModel) -> dict[str, Any]:
    """The statistics at this moment."""
    stats = bridged.model.cache_stats()
    return {
        "cacheHits": stats.cache_hits,
        "cacheMisses": stats.cache_misses,
        "evictions": stats.evictions,
        "prefetches": stats.prefetches,
        "prefetchHits": stats.prefetch_hits,
        "stallMs": stats.stall_seconds * 1000,
        "cachedLayers": stats.cached_layers,
        "maxCached": stats.max_cached,
        "residentBytes": stats.resident_bytes,
        "peakBytes": stats.peak_bytes,
        "capacityBytes": stats.capacity_bytes,
        "hitRate": stats.hit_rate,
    }


def stream_stats(bridged: BridgedModel) -> dict[str, Any] | None:
    """How the weights went through memory at this moment."""
    stats = bridged.model.stream_stats()
    return _stream_stats(stats) if stats else None


def _stream_stats(stats: "StreamStats") -> dict[str, Any]:
    return {
        "keptBytes": stats.kept_bytes,
        "streamedBytes": stats.streamed_bytes,
        "residentBytes": stats.resident_bytes,
        "peakBytes": stats.peak_bytes,
        "readBytes": stats.read_bytes,
        "stallMs": stats.stall_seconds * 1000,
    }


def plan(bridged: BridgedModel, options: dict[str, Any], call: Call) -> dict[str, Any]:
    """What running it will be like; ``options`` are those of JavaScript's ``PlanOptions``."""
    found = bridged.model.plan(
        options.get("memoryBytes"),
        context_length=options.get("contextLength"),
        measure_anew=options.get("measureAnew", False),
        cancelled=call.cancelled,
    )
    return {
        "memoryBytes": found.memory_bytes,
        "contextLength": found.context_length,
        "sessionBytes": found.session_bytes,
        "weightsBytes": found.weights_bytes,
        "keptBytes": found.kept_bytes,
        "streamedBytes": found.streamed_bytes,
        "threads": found.threads,
        "computeRate": _rate(found.compute_rate),
        "diskRate": found.disk_rate and _rate(found.disk_rate),
        "tokensPerSecond": found.tokens_per_second,
        "withMore": [
            {
                "memoryBytes": each.memory_bytes,
                "keptBytes": each.kept_bytes,
                "streamedBytes": each.streamed_bytes,
                "tokensPerSecond": each.tokens_per_second,
            }
            for each in found.with_more
        ],
    }


def _rate(rate: "Rate") -> dict[str, Any]:
    return {"bytesPerSecond": rate.bytes_per_second, "measured": rate.measured}


def clear_cache(bridged: BridgedModel) -> None:
    """Evict every layer."""
    bridged.model.clear_cache()


def close(bridged: BridgedModel) -> None:
    """Close the model and its guests; closing twice is fine."""
    bridged.close()


def open_guest(bridged: BridgedModel, options: dict[str, Any], call: Call) -> Guest:
    """Instantiate ``wasm``, by its path or content; the others are those of ``GuestOptions``."""
    limits: dict[str, Any] = {
        "memory_bytes": options.get("memoryBytes"),
        "table_elements": options.get("tableElements"),
        "timeout": _seconds(options.get("timeoutMs")),
        "fuel": options.get("fuel"),
    }
    guest = Guest(
        options["wasm"],
        bridged.model,
        limits=GuestLimits(**{name: each for name, each in limits.items() if each is not None}),
        wasi=options.get("wasi", False),
        cancelled=call.cancelled,
    )
    bridged.adopt(guest)
    return guest


def describe_guest(guest: Guest) -> dict[str, Any]:
    """What does not change about a guest."""
    return {"exports": dict(guest.exports)}


def call_guest(guest: Guest, request: dict[str, Any], call: Call) -> list[Any]:
    """Call the function ``name`` with ``args``, for ``timeoutMs`` at most; its results."""
    result = guest.call(
        request["name"],
        *request["args"],
        timeout=_seconds(request.get("timeoutMs")),
        cancelled=call.cancelled,
    )
    if result is None:
        return []
    return list(result) if isinstance(result, tuple) else [result]


def read_guest(guest: Guest, request: dict[str, Any], call: Call) -> bytearray:
    """A copy of the ``size`` bytes at ``pointer``, writable so that JavaScript gets no other."""
    del call  # copying cannot be stopped
    return bytearray(guest.read(request["pointer"], request["size"]))


def write_guest(guest: Guest, request: dict[str, Any], call: Call) -> None:
    """Write ``bytes`` at ``pointer``."""
    del call  # copying cannot be stopped
    guest.write(request["pointer"], request["bytes"])


def guest_memory_bytes(guest: Guest) -> int:
    """Size of the memory it exports."""
    return guest.memory_bytes


def close_guest(guest: Guest) -> None:
    """Close a guest; closing twice is fine."""
    guest.close()


class _Turn:
    """The call that text is being made for.

    What makes the text refers to this, and not to what JavaScript holds: the two would refer to
    each other, and keep a closed model's memory until Python looks for cycles.
    """

    def __init__(self, call: Call) -> None:
        """``call`` is the one that opens it."""
        self.call = call
        self.stats: LiveStats | None = None

    def cancelled(self) -> bool:
        """Whether the call under way is."""
        return self.call.cancelled()

    def tell(self, stats: "LiveStats") -> None:
        """Keep what is to be told with the next piece."""
        self.stats = stats


class BridgedText(ABC):
    """Text on its way, each step of which is asked for by a call of its own."""

    def __init__(self, text: "Generation | GenerationBatch", turn: _Turn) -> None:
        """``text`` asks ``turn`` whether to go on."""
        self._text = text
        self._turn = turn
        self._using = Lock()

    def next(self, call: Call) -> dict[str, Any]:
        """What the next step gives, and how it stands."""
        with self._using:
            self._turn.call, self._turn.stats = call, None
            step = self._step()
            told = self._turn.stats
            return {**step, "stats": _live_stats(told) if told else None}

    def close(self) -> None:
        """Stop, after the step that is being made: it ends soon where its call is cancelled."""
        with self._using:
            self._text.close()

    @abstractmethod
    def _step(self) -> dict[str, Any]: ...


class BridgedGeneration(BridgedText):
    """The text of one prompt, piece by piece."""

    def __init__(self, generation: "Generation", turn: _Turn) -> None:
        """Begin before the first piece."""
        super().__init__(generation, turn)
        self._generation = generation
        self._logprobs = _NewLogprobs()

    def _step(self) -> dict[str, Any]:
        piece = next(self._generation, None)
        return {"piece": piece, **_standing(self._generation, self._logprobs)}


class BridgedBatch(BridgedText):
    """The texts of several prompts, step by step."""

    def __init__(self, batch: "GenerationBatch", turn: _Turn) -> None:
        """Begin before the first step."""
        super().__init__(batch, turn)
        self._batch = batch
        self._logprobs: defaultdict[int, _NewLogprobs] = defaultdict(_NewLogprobs)

    def _step(self) -> dict[str, Any]:
        pieces, results = self._batch.step(), self._batch.results
        return {
            "pieces": [{"index": index, "piece": piece} for index, piece in pieces],
            "results": [
                {"index": index, **_standing(results[index], self._logprobs[index])}
                for index in sorted({index for index, _ in pieces})
            ],
        }


class _NewLogprobs:
    """Those of the tokens made since the last time."""

    def __init__(self) -> None:
        self._told = 0

    def of(self, logprobs: "list[TokenLogprob]") -> list[dict[str, Any]]:
        new = logprobs[self._told :]
        self._told += len(new)
        return [{**_logprob(each), "top": list(map(_logprob, each.top))} for each in new]


def _standing(of: "Generation | Continuation", logprobs: _NewLogprobs) -> dict[str, Any]:
    usage = of.usage
    return {
        "finishReason": of.finish_reason,
        "usage": {
            "promptTokens": usage.prompt_tokens,
            "cachedTokens": usage.cached_tokens,
            "tokens": usage.tokens,
            "firstTokenMs": usage.first_token_seconds * 1000,
            "tokensPerSecond": usage.tokens_per_second,
        },
        "logprobs": logprobs.of(of.logprobs),
    }


def _live_stats(stats: "LiveStats") -> dict[str, Any]:
    return {
        "tokens": stats.tokens,
        "tokensPerSecond": stats.tokens_per_second,
        "readBytesPerSecond": stats.read_bytes_per_second,
        "stallMs": stats.stall_seconds * 1000,
        "stream": _stream_stats(stats.stream) if stats.stream else None,
    }


def _logprob(of: "TokenLogprob") -> dict[str, Any]:
    return {"token": of.token, "logprob": of.logprob}


def open_generation(
    owner: "BridgedModel | Session", request: dict[str, Any], call: Call
) -> BridgedText:
    """Begin to continue ``prompt`` or ``prompts``, or to answer ``messages``; its options too."""
    turn = _Turn(call)
    options = _options(request, turn)
    if "prompts" in request:
        assert isinstance(owner, BridgedModel)
        return BridgedBatch(owner.model.generate_batch(request["prompts"], **options), turn)
    by = owner.model if isinstance(owner, BridgedModel) else owner
    if "messages" in request:
        generation = by.chat(request["messages"], **options)
    else:
        generation = by.generate(request["prompt"], **options)
    return BridgedGeneration(generation, turn)


def _options(request: dict[str, Any], turn: _Turn) -> Any:
    names = _GENERATE_OPTIONS.items()
    given = {name: request[key] for key, name in names if request.get(key) is not None}
    return {**given, "cancelled": turn.cancelled, "on_stats": turn.tell}


_GENERATE_OPTIONS = {
    "maxTokens": "max_tokens",
    "stop": "stop",
    "temperature": "temperature",
    "topK": "top_k",
    "topP": "top_p",
    "minP": "min_p",
    "repeatPenalty": "repeat_penalty",
    "repeatLastN": "repeat_last_n",
    "seed": "seed",
    "logprobs": "logprobs",
}


def describe_generation(bridged: BridgedText) -> dict[str, Any]:
    """Nothing about it stays the same."""
    del bridged
    return {}


def next_piece(bridged: BridgedText, nothing: None, call: Call) -> dict[str, Any]:
    """The next piece, None at the end; of a batch all of a step, none at the end."""
    del nothing
    return bridged.next(call)


def close_generation(bridged: BridgedText) -> None:
    """Stop; closing twice is fine."""
    bridged.close()


def open_session(bridged: BridgedModel, options: dict[str, Any], call: Call) -> "Session":
    """A session with room for ``contextLength`` tokens."""
    del call  # making one takes milliseconds
    return bridged.model.session(options.get("contextLength"))


def describe_session(session: "Session") -> dict[str, Any]:
    """What does not change about a session."""
    return {"contextLength": session.context_length, "memoryBytes": session.memory_bytes}


def session_bytes(bridged: BridgedModel, options: dict[str, Any], call: Call) -> int:
    """What a session with room for ``contextLength`` tokens takes."""
    del call
    return bridged.model.session_bytes(options.get("contextLength"))


def session_tokens(session: "Session") -> list[int]:
    """The tokens seen so far."""
    return list(session.tokens)


def session_logits(session: "Session", tokens: list[int], call: Call) -> NDArray[float32]:
    """The logits after each of ``tokens``, one row after another."""
    return session.logits(tokens, cancelled=call.cancelled)


def save_session(session: "Session", path: str, call: Call) -> None:
    """Write a session to a file."""
    del call  # written in one go
    session.save(path)


def restore_session(session: "Session", path: str, call: Call) -> None:
    """Become the session in a file."""
    del call  # read in one go
    session.restore(path)


def clear_session(session: "Session") -> None:
    """Forget all tokens."""
    session.clear()


def close_session(session: "Session") -> None:
    """Close a session; closing twice is fine."""
    session.close()


def tokenize(bridged: BridgedModel, request: dict[str, Any], call: Call) -> list[int]:
    """The tokens of ``text``."""
    del call  # takes milliseconds
    return bridged.model.tokenize(
        request["text"],
        add_special=request.get("addSpecial", True),
        parse_special=request.get("parseSpecial", False),
    )


def detokenize(bridged: BridgedModel, tokens: list[int], call: Call) -> str:
    """The text of ``tokens``."""
    del call  # takes milliseconds
    return bridged.model.detokenize(tokens)


def embed(bridged: BridgedModel, request: dict[str, Any], call: Call) -> NDArray[float32]:
    """What the last layer makes of ``text``."""
    return bridged.model.embed(
        request["text"], pooling=request.get("pooling", "mean"), cancelled=call.cancelled
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _described(model: Memory64Model, info: TensorInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "shape": info.shape,
        "quantType": info.quant_type.name,
        "nbytes": info.nbytes,
        "offset": model.runtime.span(info).offset,
        "layer": info.layer_id,
    }


def _short(metadata: Metadata, key: str) -> Any:
    array = metadata.array(key)
    if array is None or array.length <= SHORT_ARRAY_LENGTH:
        return metadata[key]
    return {"type": array.element_type.name.lower(), "length": array.length}
