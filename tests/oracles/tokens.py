"""What llama.cpp makes of texts, kept for the tests.

    python -m tests.oracles.tokens

writes ``tokens.json.gz`` beside this file; it needs ``llama-cpp-python``, which the tests do not.
A vocabulary that is only a kind of pre-tokenizer is SmolLM2's with the name of that kind.
"""

import gzip
import json
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from models import fetch
from models.vocabulary import vocabulary

from .texts import texts

FIXTURE = Path(__file__).with_name("tokens.json.gz")

MODELS = ("smollm2", "gemma", "words")
PRE_TOKENIZERS = (
    *("default", "llama-bpe", "qwen2", "gpt-2", "dbrx", "falcon", "deepseek-coder"),
    *("tekken", "gpt-4o"),
)
TEXTS = 2400
TEXTS_OF_PRE_TOKENIZERS = 300
WORDS = 4000


def main() -> None:
    """Ask llama.cpp, and write what it says."""
    with tempfile.TemporaryDirectory() as folder:
        answers = {name: _answers(path, count) for name, path, count in _files(Path(folder))}
    kept = {"texts": texts(TEXTS), "tokens": answers}
    data = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
    FIXTURE.write_bytes(gzip.compress(data, 9, mtime=0))


@cache
def kept() -> dict[str, Any]:
    """What was written: ``texts``, and ``tokens`` by vocabulary, a pair for each text.

    The first of a pair are the tokens of a text as typed, the second those of a text in which
    control tokens are written out; None where the two are the same.
    """
    answers: dict[str, Any] = json.loads(gzip.decompress(FIXTURE.read_bytes()))
    return answers


def _answers(path: Path, count: int) -> list[tuple[list[int], list[int] | None]]:
    from llama_cpp import Llama

    llama = Llama(str(path), vocab_only=True, verbose=False)
    answers = []
    for text in texts(count):
        data = text.encode()
        typed = llama.tokenize(data, add_bos=True, special=False)
        made = llama.tokenize(data, add_bos=True, special=True)
        answers.append((typed, made if made != typed else None))
    return answers


def _files(folder: Path) -> Iterator[tuple[str, Path, int]]:
    yield "smollm2", fetch.smollm2(), TEXTS
    yield "gemma", fetch.gemma(), TEXTS
    yield "words", _words(folder / "words.gguf"), TEXTS_OF_PRE_TOKENIZERS
    fields = _fields(fetch.smollm2())
    for name in PRE_TOKENIZERS:
        path = _byte_pairs(folder / f"{name}.gguf", fields | {"pre": name})
        yield name, path, TEXTS_OF_PRE_TOKENIZERS


def _fields(path: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    prefix = "tokenizer.ggml."
    fields = GGUFReader(path).fields
    return {
        key.removeprefix(prefix): field.contents()
        for key, field in fields.items()
        if key.startswith(prefix)
    }


def _byte_pairs(path: Path, fields: dict[str, Any]) -> Path:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(fields["pre"])
    writer.add_token_list(fields["tokens"])
    writer.add_token_types(fields["token_type"])
    writer.add_token_merges(fields["merges"])
    writer.add_add_bos_token(False)
    return _written(writer, path)


def _words(path: Path) -> Path:
    from gguf import GGUFWriter

    made = vocabulary(WORDS)
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(made.tokens))
    writer.add_token_scores(list(made.scores))
    writer.add_token_types([int(kind) for kind in made.types])
    return _written(writer, path)


def _written(writer: Any, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


if __name__ == "__main__":
    main()
