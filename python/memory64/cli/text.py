"""``memory64 generate`` and ``memory64 chat``: text from a model."""

import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any, cast

import typer

from ..inference import GenerateOptions, Generation, Message, Session
from ..loader import load_model
from .arguments import ContextOption, ModelArgument, ThreadsOption
from .usage import told_as_usage
from .view import view

MaxTokensOption = Annotated[
    int | None, typer.Option("--max-tokens", "-n", min=1, help="The most tokens to make.")
]
TemperatureOption = Annotated[
    float | None, typer.Option(min=0.0, help="0 always takes the most probable token.")
]
TopKOption = Annotated[int | None, typer.Option(min=0, help="Pick from so many tokens.")]
TopPOption = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="Pick from the tokens that make up this.")
]
SeedOption = Annotated[int | None, typer.Option(min=0, help="The same one picks the same tokens.")]
StatsOption = Annotated[
    bool,
    typer.Option("--stats", help="Show how it goes on: what streams, waiting, tokens a second."),
]
SystemOption = Annotated[
    str | None, typer.Option(help="What the model is told before all else.", metavar="TEXT")
]

INTERRUPTED = 130
"""The exit code that shells know for Ctrl-C."""

HELP = """\
Ctrl-C stops an answer, Ctrl-D or /exit ends. A line that ends with \\ goes on in the next one.
/clear begins anew."""


def generate(
    model: ModelArgument,
    prompt: Annotated[str, typer.Argument(help="What to continue; - for standard input.")],
    max_tokens: MaxTokensOption = None,
    temperature: TemperatureOption = None,
    top_k: TopKOption = None,
    top_p: TopPOption = None,
    seed: SeedOption = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="Ends the text; may be given several times.")
    ] = None,
    threads: ThreadsOption = None,
    stats: StatsOption = False,
) -> None:
    """Continue a text, printing it as it comes."""
    text = sys.stdin.read() if prompt == "-" else prompt
    options = _given(
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        stop=stop,
    )
    with load_model(model, threads=threads) as loaded:
        _, generation = _printed(loaded.generate, text, options, stats)
    _tell_usage(generation)
    if generation.finish_reason == "closed":
        raise typer.Exit(INTERRUPTED)


def chat(
    model: ModelArgument,
    system: SystemOption = None,
    max_tokens: MaxTokensOption = None,
    temperature: TemperatureOption = None,
    top_k: TopKOption = None,
    top_p: TopPOption = None,
    seed: SeedOption = None,
    context_length: ContextOption = None,
    threads: ThreadsOption = None,
    stats: StatsOption = False,
) -> None:
    """Talk with a model."""
    options = _given(
        max_tokens=max_tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
    )
    with load_model(model, threads=threads) as loaded:
        with told_as_usage():
            session = loaded.session(context_length)
        with session:
            _converse(session, system, options, stats)


def _converse(session: Session, system: str | None, options: GenerateOptions, stats: bool) -> None:
    beginning: list[Message] = [{"role": "system", "content": system}] if system else []
    messages = list(beginning)
    if sys.stdin.isatty():
        print(HELP, file=sys.stderr)
    for said in _said():
        if said == "/exit":
            return
        if said == "/clear":
            messages = list(beginning)
            continue
        messages.append({"role": "user", "content": said})
        answer, generation = _printed(session.chat, messages, options, stats)
        messages.append({"role": "assistant", "content": answer})
        _tell_usage(generation)


def _said() -> Iterator[str]:
    """What is typed, several lines where they end with a backslash."""
    prompt, more = ("> ", ". ") if sys.stdin.isatty() else ("", "")
    while True:
        try:
            text = input(prompt)
            while text.endswith("\\"):
                text = text[:-1] + "\n" + input(more)
        except EOFError:
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
            continue
        if text.strip():
            yield text


def _printed(
    generate: Callable[..., Generation], prompt: Any, options: GenerateOptions, stats: bool
) -> tuple[str, Generation]:
    """Print the pieces as they come, until the end or Ctrl-C; all of them together."""
    text = ""
    with view(stats) as shown:
        generation = generate(prompt, **options, **({"on_stats": shown.tell} if stats else {}))
        try:
            for piece in generation:
                text += piece
                shown.show(piece)
        except KeyboardInterrupt:
            generation.close()
    return text, generation


def _tell_usage(generation: Generation) -> None:
    if not sys.stderr.isatty():
        return
    usage = generation.usage
    print(
        f"[{usage.prompt_tokens} tokens of prompt, {usage.cached_tokens} of them seen before; "
        f"first token after {usage.first_token_seconds:.2f} s; {usage.tokens} tokens, "
        f"{usage.tokens_per_second:.1f} a second; {generation.finish_reason}]",
        file=sys.stderr,
    )


def _given(**options: Any) -> GenerateOptions:
    """Those options that were given."""
    given = {name: value for name, value in options.items() if value is not None}
    return cast(GenerateOptions, given)
