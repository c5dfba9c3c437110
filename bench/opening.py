"""What does opening a model cost, until `get_layer` can be called?

Every figure is from a process of its own. In Python it is the first model that process opens, the
module being imported; in JavaScript the second, after one of a few kilobytes of header, so that
starting Python is not in it (`start-up` measures that). The files are in the page cache as
reading leaves them there: pages that were just written, by a download, are mapped more slowly.

Memory is all that becomes resident, the pages of mapped files and of shared libraries' code
included; private is what no file stands behind.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import page_cache
from bench.measure import in_turns, js_driver, megabytes, milliseconds, python_driver, ratios
from bench.peers import HUGGINGFACE, READER, why_no_packages
from bench.table import Row, Table, Target, at_least, at_most
from models import fetch, generate

ROUNDS = 5
TIMES_FASTER = at_least(5)

Opened = dict[str, Any]
Contestants = dict[str, Callable[[], Opened]]


def run() -> Table:
    table = Table("What does opening a model cost?")
    with TemporaryDirectory() as folder:
        small = generate.tiny(Path(folder) / "small.gguf")
        _open_7b(table, small)
        _open_gemma(table, small)
        _open_70b(table, small)
    return table


def _open_7b(table: Table, small: Path) -> None:
    path, name = generate.llama_7b(), "7B, 4.08 GB"
    _read_in(path)
    results = in_turns(_ours(path, "auto", small) | _peers(path, small), ROUNDS)
    again = [seconds for opened in results["Python"] for seconds in opened["againSeconds"]]
    table.add(
        *_costs(name, "Python", results, at_most(10), at_most(4)),
        *_costs(name, "JavaScript", results, at_most(10), at_most(4)),
        Row(f"{name}: Python, opened again", milliseconds(again)),
    )
    table.add(*_peer_rows(name, results))


def _open_gemma(table: Table, small: Path) -> None:
    path, name = fetch.gemma(), "Gemma, 262k vocabulary"
    _read_in(path)
    whole = _ours(path, "auto", small)
    ours = _ours(path, "on", small)
    ours |= {f"{language}, all 253 MB loaded": whole[language] for language in whole}
    results = in_turns(ours | _peers(path, small), ROUNDS)
    table.add(*[row for who in ours for row in _costs(name, who, results, at_most(25))])
    table.add(*_peer_rows(name, results))


def _open_70b(table: Table, small: Path) -> None:
    path, name = generate.llama_70b_sparse(), "70B in F16, 138 GB"
    results = in_turns(_ours(path, "auto", small), ROUNDS)
    table.add(*[row for who in results for row in _costs(name, who, results, at_most(15))])


def _read_in(path: Path) -> None:
    page_cache.drop(path)
    page_cache.fill(path)


def _ours(path: Path, mode: str, small: Path) -> Contestants:
    return {
        "Python": partial(python_driver, "open_memory64", path, mode),
        "JavaScript": partial(js_driver, "open_memory64", path, mode, small),
    }


def _peers(path: Path, small: Path) -> Contestants:
    peers: Contestants = {READER: partial(python_driver, "open_gguf_reader", path)}
    if not why_no_packages():
        peers[HUGGINGFACE] = partial(js_driver, "open_huggingface", path, small)
    return peers


def _costs(
    name: str,
    who: str,
    results: dict[str, list[Opened]],
    time: Target | None = None,
    memory: Target | None = None,
) -> list[Row]:
    grown = megabytes(opened["residentBytes"] for opened in results[who])
    private = megabytes(opened["anonymousBytes"] for opened in results[who])
    return [
        Row(f"{name}: {who}", milliseconds(_seconds(results[who])), time),
        Row(f"{name}: {who}, memory +", grown, memory, f"{private.median:.2f} MB of it private"),
    ]


def _peer_rows(name: str, results: dict[str, list[Opened]]) -> list[Row]:
    reader = ratios(_seconds(results[READER]), _seconds(results["Python"]))
    rows = [
        *_costs(name, READER, results),
        Row(f"{name}: Python is faster by", reader, None, f"than {READER}"),
    ]
    if reason := why_no_packages():
        return [*rows, Row(f"{name}: {HUGGINGFACE}", None, TIMES_FASTER, reason)]
    huggingface = ratios(_seconds(results[HUGGINGFACE]), _seconds(results["JavaScript"]))
    return [
        *rows,
        *_costs(name, HUGGINGFACE, results),
        Row(f"{name}: JavaScript is faster by", huggingface, TIMES_FASTER, f"than {HUGGINGFACE}"),
    ]


def _seconds(results: list[Opened]) -> list[float]:
    return [opened["seconds"] for opened in results]
