"""A loaded model: its layers, its tensors, its metadata, its statistics."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Unpack

from numpy import float32
from numpy.typing import NDArray

from .closeable import Closeable
from .errors import ClosedError
from .gguf import GGUFDirectory, LayerWeights, Metadata, Tensor
from .layers import CacheStats, LayerWalk, Memory64LayerManager
from .memory import Cancelled, Memory64Runtime, PrivateRun, never, private_runs

if TYPE_CHECKING:
    from .inference import (
        GenerateOptions,
        Generation,
        GenerationBatch,
        Language,
        Message,
        Prompt,
        Runner,
        Session,
    )
    from .planning import ModelPlan
    from .streaming import StreamStats


class Memory64Model(Closeable):
    """A model whose layers are brought into memory when they are asked for.

    Made by ``load_model``. Safe to use from several threads; a context manager, and an
    iterable over its layers::

        with load_model("llama-2-7b.gguf") as model:
            for layer in model:
                print(layer["attn_q.weight"].shape)
    """

    def __init__(
        self,
        gguf: GGUFDirectory,
        runtime: Memory64Runtime,
        manager: Memory64LayerManager,
        threads: int | None = None,
        capacity_bytes: int | None = None,
    ) -> None:
        """Join the parts that ``load_model`` made."""
        self.gguf = gguf
        self.runtime = runtime
        self._manager = manager
        self._threads = threads
        self._capacity_bytes = capacity_bytes
        self._making_runner = Lock()
        self._made_runner: Runner | None = None
        self._closed = False

    @property
    def source(self) -> str:
        """Path of the file, as it was given; the first part's of a split one."""
        return self.gguf.name

    @property
    def architecture(self) -> str:
        """``general.architecture``, for example ``"llama"``."""
        return self.gguf.architecture

    @property
    def layer_count(self) -> int:
        """Count of transformer blocks."""
        return self.gguf.layer_count

    @property
    def size_bytes(self) -> int:
        """Bytes of the model's file, or of all its parts."""
        return self.gguf.size_bytes

    @property
    def memory64(self) -> bool:
        """True for layers on demand in Memory64 regions, False for a model simply loaded."""
        return self.runtime.enabled

    @property
    def metadata(self) -> Metadata:
        """The file's metadata by key; arrays are read from the file when asked for."""
        return self.gguf.metadata

    @cached_property
    def tensors(self) -> MappingProxyType[str, Tensor]:
        """Every tensor by whole name, in directory order, those of no layer included."""
        return MappingProxyType(
            {name: self._manager.tensor(info) for name, info in self.gguf.tensors.items()}
        )

    def get_layer(self, layer_id: int, *, cancelled: Cancelled = never) -> LayerWeights:
        """The tensors of a layer, loaded if they are not resident.

        The bytes are the file's own, not copied; they stay true after the layer is
        evicted. ``with model.get_layer(3) as layer:`` keeps it resident meanwhile.

        Args:
            layer_id: 0 to ``layer_count`` - 1.
            cancelled: asked every few milliseconds; True stops the load.

        Raises:
            OutOfBoundsError: no such layer.
            CapacityError: the limits do not let it in.
            CancelledError: ``cancelled`` returned True.
            SourceChangedError: the file was changed since it was loaded.
            ClosedError: the model is closed.
        """
        return self._manager.load_layer(layer_id, cancelled=cancelled)

    def walk(self) -> LayerWalk:
        """What iterating over the model uses, for who cancels: ``walk.next(cancelled)``.

        Ahead of its use, a layer takes only room that nobody else needs: see ``prefetch`` of
        ``load_model``.
        """
        return self._manager.walk()

    def load_tensor(self, name: str, *, cancelled: Cancelled = never) -> NDArray[float32]:
        """The values of a tensor as a new float32 array, rows first.

        Args:
            name: whole, for example ``"token_embd.weight"``.
            cancelled: asked every few milliseconds while bytes are loaded.

        Raises:
            TensorNotFoundError: no tensor of that name.
            UnsupportedQuantTypeError: its type cannot be dequantised.
            CancelledError, SourceChangedError, ClosedError: as for ``get_layer``.
        """
        return self._manager.dequantize(self.gguf.tensor(name), cancelled=cancelled)

    def private_layer(self, layer_id: int) -> list[PrivateRun]:
        """The bytes of a layer in writable views of the caller's own, mostly a single one.

        Mapped once more, not copied, where that can be. What is written into a view is seen
        in it alone. The layer need not be resident and does not become so.

        Raises:
            OutOfBoundsError: no such layer.
            SourceChangedError, ClosedError: as for ``get_layer``.
        """
        with self._manager.in_use():
            return private_runs(self.runtime, self.gguf.layer(layer_id))

    def in_use(self) -> AbstractContextManager[None]:
        """A block during which ``close`` waits.

        Raises:
            ClosedError: the model is closed.
        """
        return self._manager.in_use()

    def preload_all_layers(
        self,
        *,
        progress: Callable[[float], None] | None = None,
        cancelled: Cancelled = never,
    ) -> None:
        """Make every layer resident; lifts ``max_cached`` to the count of layers.

        Args:
            progress: called with the fraction loaded, ending with 1.0.
            cancelled: asked every few milliseconds; True stops the work.

        Raises:
            CapacityError: the layers need more than ``capacity_bytes``; none was loaded.
            CancelledError, SourceChangedError, ClosedError: as for ``get_layer``.
        """
        self._manager.preload_all(progress=progress, cancelled=cancelled)

    def cache_stats(self) -> CacheStats:
        """Hits, misses, evictions, resident bytes; readable after ``close`` too."""
        return self._manager.cache_stats()

    def clear_cache(self) -> None:
        """Evict every layer that is not pinned; the statistics go on counting."""
        self._manager.clear()

    def generate(self, prompt: "Prompt", **options: "Unpack[GenerateOptions]") -> "Generation":
        """Continue a text, piece by piece: ``for piece in model.generate("Once upon a time")``.

        Args:
            prompt: a text, or its tokens.
            options: ``max_tokens``, ``temperature``, ``stop`` and more: see ``GenerateOptions``.

        Returns:
            An iterator over pieces of text. Its first piece needs the whole prompt to be
            computed; leaving it, or its ``close``, ends the work.

        Raises:
            UnsupportedArchitectureError, UnsupportedQuantTypeError: the model cannot be run.
            GGUFFormatError: its numbers or tensors contradict each other.
            TokenizerError: its file has no tokenizer that is known.
            CapacityError: the process has no room for it.
            ClosedError: the model is closed.
            TypeError, ValueError: an option is not what it should be.
        """
        # Tokens first: the engine plans with the memory that is free beside the tokenizer.
        tokens = self._language.prompt(prompt)
        return self._runner.generate(tokens, options)

    def generate_batch(
        self, prompts: "Sequence[Prompt]", **options: "Unpack[GenerateOptions]"
    ) -> "GenerationBatch":
        """Continue several texts at once, each layer being read once per step for all of them.

        ``for index, piece in model.generate_batch(["Once upon a time", "The capital of"])``:
        an empty piece tells that the text of ``prompts[index]`` has ended.

        Args:
            prompts: texts, or the tokens of texts. What finds no place in the batch waits until
                another one has ended.
            options: see ``GenerateOptions``; the same for all but for ``seed``: to that of
                ``prompts[index]`` its ``index`` is added.

        Returns:
            An iterator over the pieces of all texts, as they come.

        Raises:
            OutOfBoundsError, CapacityError: a prompt has tokens that there are not, or is
                longer than what the model was made for.
            As ``generate`` otherwise.
        """
        if isinstance(prompts, str) or not isinstance(prompts, Iterable):
            raise TypeError(f"prompts need to be a list of them, found {prompts!r}")
        tokens = [
            self._language.prompt(prompt, f"prompt {index}") for index, prompt in enumerate(prompts)
        ]
        return self._runner.generate_batch(tokens, options)

    def chat(
        self, messages: "Iterable[Message]", **options: "Unpack[GenerateOptions]"
    ) -> "Generation":
        """Answer a conversation: ``model.chat([{"role": "user", "content": "Hello"}])``.

        For a conversation that goes on, ``session().chat`` computes what is new only.

        Raises:
            ChatTemplateError: the model's file has no chat template, or one that fails.
            As ``generate`` otherwise.
        """
        tokens = self._language.conversation(messages)
        return self._runner.generate(tokens, options)

    def session(self, context_length: int | None = None) -> "Session":
        """A sequence of tokens of its own, which keeps what the model has seen.

        Args:
            context_length: tokens it has room for; 4,096 by default, fewer if the model was made
                for fewer, or if they would take more than a quarter of the memory.
                ``session_bytes`` says what they take.

        Raises:
            CapacityError: the process has no room for it.
            ValueError: the model was not made for so many.
            As ``generate`` otherwise.
        """
        return self._runner.session(context_length)

    def session_bytes(self, context_length: int | None = None) -> int:
        """What a session of that length takes once it is full."""
        return self._runner.session_bytes(context_length)

    def plan(
        self,
        memory_bytes: int | None = None,
        *,
        context_length: int | None = None,
        measure_anew: bool = False,
        cancelled: Cancelled = never,
    ) -> "ModelPlan":
        """What running the model will be like: what stays in memory, what streams, how fast.

        Weights are read only to measure the disk and the processor, which takes seconds once;
        the rates are kept on disk.

        Args:
            memory_bytes: what the process has, as a control group's limit; what there is by
                default. ``capacity_bytes`` of ``load_model`` holds besides.
            context_length: tokens whose keys and values are to find room; 512 by default.
            measure_anew: what was measured before too.
            cancelled: asked every few milliseconds while something is measured.

        Raises:
            CapacityError: the weights that are needed at once find no room.
            UnsupportedArchitectureError, UnsupportedQuantTypeError, GGUFFormatError: the model
                cannot be run.
            ValueError: an argument is not what it should be.
            CancelledError: ``cancelled`` returned True.
            SourceError, SourceChangedError, ClosedError: as for ``get_layer``.
        """
        from .planning import Fit, plan_model

        with self._manager.in_use():
            fit = Fit(
                self.gguf,
                self.runtime.span,
                memory_bytes=memory_bytes,
                capacity_bytes=self._capacity_bytes,
                context_length=context_length,
                in_place=self.runtime.keeps_evicted,
            )
            return plan_model(
                self.gguf, fit, self._threads, measure_anew=measure_anew, cancelled=cancelled
            )

    def stream_stats(self) -> "StreamStats | None":
        """How the weights came and went while the model was run; None where they are copies.

        Raises:
            As ``generate``.
        """
        return self._runner.stream_stats()

    def tokenize(
        self, text: str, *, add_special: bool = True, parse_special: bool = False
    ) -> list[int]:
        """The tokens of ``text``.

        Args:
            text: any.
            add_special: with the marks that the model wants at the beginning and the end.
            parse_special: marks that are written out in the text count as such.

        Raises:
            TokenizerError: the model's file has no tokenizer that is known.
        """
        tokenizer = self._language.tokenizer
        return tokenizer.tokenize(text, add_special=add_special, parse_special=parse_special)

    def detokenize(self, tokens: Iterable[int]) -> str:
        """The text of ``tokens``, without marks; what is not UTF-8 becomes U+FFFD.

        Raises:
            OutOfBoundsError: there is no such token.
            TokenizerError: as for ``tokenize``.
        """
        return self._language.tokenizer.detokenize(tokens)

    def embed(
        self,
        text: "Prompt",
        *,
        pooling: Literal["mean", "last"] = "mean",
        cancelled: Cancelled = never,
    ) -> NDArray[float32]:
        """What the last layer makes of a text, as one vector.

        Args:
            text: or its tokens.
            pooling: the mean over its tokens, or what is made of the last one.
            cancelled: asked every few milliseconds.

        Returns:
            float32 of shape [embedding_length], not normalised.

        Raises:
            CancelledError: ``cancelled`` returned True.
            As ``generate`` otherwise.
        """
        return self._runner.embed(self._language.prompt(text, "text"), pooling, cancelled)

    def close(self) -> None:
        """Wait for calls under way and let go of everything. Closing twice is fine.

        A preload under way ends with ``ClosedError``. Arrays handed out before stay valid.
        """
        with self._making_runner:
            self._closed = True
            if self._made_runner:
                self._made_runner.close()
        self._manager.close()
        self.runtime.close()
        self.gguf.close()

    @property
    def _runner(self) -> "Runner":
        # Imported here, as most of it is of no use to programs that only want the layers.
        from .inference import Runner

        with self._making_runner:
            if self._closed:
                raise ClosedError(f"{self.source}: the model has been closed")
            if self._made_runner is None:
                self._made_runner = Runner(
                    self.gguf, self.runtime, self._language, self._threads, self._manager
                )
            return self._made_runner

    @cached_property
    def _language(self) -> "Language":
        from .inference import Language

        return Language(self.gguf)

    def __len__(self) -> int:
        """Count of layers."""
        return self.layer_count

    def __iter__(self) -> Iterator[LayerWeights]:
        """The layers in order; while one is in hand, those after it are being loaded."""
        with self.walk() as walk:
            yield from iter(walk.next, None)

    def __repr__(self) -> str:
        """Source, architecture and mode."""
        mode = "Memory64" if self.memory64 else "standard"
        return f"Memory64Model({self.source!r}, {self.architecture}, {len(self)} layers, {mode})"
