"""Sessions: what they keep, what they share, what they refuse, what they write to files."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory64 import (
    CancelledError,
    CapacityError,
    ClosedError,
    Memory64Model,
    OutOfBoundsError,
    SessionBusyError,
    SourceError,
    SourceNotFoundError,
    load_model,
)
from models import generate

TOKENS = [1, 17, 200, 31, 5, 77, 250, 9, 101, 64, 3, 19]


@pytest.fixture
def model(tiny: Path) -> Iterator[Memory64Model]:
    with load_model(tiny, memory64=True) as loaded:
        yield loaded


def test_logits_are_a_row_for_each_token(model: Memory64Model) -> None:
    with model.session(64) as session:
        rows = session.logits(TOKENS)
    assert rows.shape == (len(TOKENS), 320)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_what_was_seen_in_parts_is_as_seen_at_once(model: Memory64Model) -> None:
    with model.session(64) as session, model.session(64) as other:
        whole = session.logits(TOKENS)
        other.logits(TOKENS[:5])
        rest = other.logits(TOKENS[5:])
        assert other.tokens == tuple(TOKENS)
    np.testing.assert_array_equal(rest, whole[5:])


def test_a_prompt_computes_only_what_is_new(model: Memory64Model) -> None:
    with model.session(64) as session, model.session(64) as fresh:
        first = session.generate(TOKENS[:8], max_tokens=1, temperature=0)
        list(first)
        again = session.generate([*TOKENS[:8], 5, 6], max_tokens=4, temperature=0)
        made = "".join(again)
        assert (first.usage.cached_tokens, again.usage.cached_tokens) == (0, 8)
        alone = fresh.generate([*TOKENS[:8], 5, 6], max_tokens=4, temperature=0)
        assert "".join(alone) == made
        assert fresh.tokens == session.tokens


def test_of_a_prompt_seen_before_the_last_token_is_computed_again(model: Memory64Model) -> None:
    with model.session(64) as session:
        list(session.generate(TOKENS, max_tokens=1, temperature=0))
        again = session.generate(TOKENS, max_tokens=1, temperature=0)
        list(again)
        assert again.usage.cached_tokens == len(TOKENS) - 1


def test_another_prompt_takes_the_place_of_the_first(model: Memory64Model) -> None:
    with model.session(64) as session, model.session(64) as fresh:
        session.logits(TOKENS)
        session.clear()
        assert session.tokens == ()
        np.testing.assert_array_equal(session.logits(TOKENS[:3]), fresh.logits(TOKENS[:3]))


def test_there_is_room_for_so_many_tokens(model: Memory64Model) -> None:
    with model.session(8) as session:
        assert session.context_length == 8
        session.logits(TOKENS[:6])
        with pytest.raises(CapacityError, match=r"room for 8 tokens and holds 6.*3 more"):
            session.logits([1, 2, 3])
        session.logits([1, 2])
        with pytest.raises(CapacityError):
            list(session.generate(TOKENS))
    with model.session(10) as session:
        generation = session.generate(TOKENS[:8], temperature=0)
        list(generation)
        assert generation.finish_reason in ("length", "end")
        assert len(session.tokens) <= 10


def test_its_memory_is_told_before_it_is_taken(model: Memory64Model) -> None:
    # 4 layers, keys and values, of 2 heads of 64 half floats.
    assert model.session_bytes(100) == 100 * 4 * 2 * 2 * 64 * 2
    with model.session(100) as session:
        assert session.memory_bytes == model.session_bytes(100)


@pytest.mark.parametrize("length", [0, -1, 1 << 40, 2.5, True, "8"])
def test_a_length_that_cannot_be(model: Memory64Model, length: int) -> None:
    with pytest.raises(ValueError, match="context_length"):
        model.session(length)


def test_more_than_the_machine_has(tmp_path: Path) -> None:
    endless = generate.tiny(
        tmp_path / "endless.gguf",
        metadata={"llama.context_length": generate.u32(1 << 24)},
    )
    with load_model(endless, memory64=True) as model, pytest.MonkeyPatch.context() as patch:
        patch.setattr("memory64.inference.weights.usable_bytes", lambda: 32 << 20)
        with pytest.raises(CapacityError, match="keys and values of 16777216 tokens"):
            model.session(1 << 24)


@pytest.mark.parametrize("token", [-1, 320, 1 << 40])
def test_tokens_that_there_are_not(model: Memory64Model, token: int) -> None:
    with model.session(8) as session:
        with pytest.raises(OutOfBoundsError, match="0 to 319"):
            session.logits([1, token])
        assert session.tokens == ()


def test_no_tokens(model: Memory64Model) -> None:
    with model.session(8) as session, pytest.raises(ValueError, match="a token at least"):
        session.logits([])


def test_it_does_one_thing_at_a_time(model: Memory64Model) -> None:
    with model.session(64) as session:
        generation = session.generate(TOKENS, temperature=0)
        next(generation)
        for use in (lambda: session.logits([1]), session.clear, session.close):
            with pytest.raises(SessionBusyError):
                use()
        generation.close()
        session.logits([1])


def test_a_generation_nobody_holds_frees_its_session(model: Memory64Model) -> None:
    with model.session(64) as session:
        next(session.generate(TOKENS, temperature=0))
        session.logits([1])


def test_sessions_do_not_see_one_another(model: Memory64Model) -> None:
    results = {}

    def see(start: int) -> None:
        with model.session(64) as session:
            for token in range(start, start + 20):
                results[start] = session.logits([token])

    threads = [threading.Thread(target=see, args=(start,)) for start in (1, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for start in (1, 50, 100, 150):
        with model.session(64) as session:
            for token in range(start, start + 20):
                alone = session.logits([token])
            np.testing.assert_array_equal(results[start], alone)


def test_cancelling_ends_it_and_the_next_call_is_right(smollm2: Path) -> None:
    tokens = TOKENS * 10
    with load_model(smollm2) as model, model.session(256) as session, model.session(256) as fresh:
        session.logits(TOKENS[:4])
        asked = iter(range(1000))
        with pytest.raises(CancelledError):
            session.logits(tokens, cancelled=lambda: next(asked) == 1)  # while it computes
        with pytest.raises(CancelledError):
            session.logits(tokens, cancelled=lambda: True)
        assert session.tokens == tuple(TOKENS[:4])
        fresh.logits(TOKENS[:4])
        np.testing.assert_array_equal(session.logits(tokens), fresh.logits(tokens))


def test_an_interrupt_before_all_threads_work(model: Memory64Model) -> None:
    """The first would wait for the others for ever."""
    with model.session(64) as session, model.session(64) as fresh:
        session.logits(TOKENS[:4])
        with pytest.MonkeyPatch.context() as patch:
            submit = ThreadPoolExecutor.submit

            def submit_one(pool: ThreadPoolExecutor, work: Any, index: int) -> Any:
                if index:
                    raise KeyboardInterrupt
                return submit(pool, work, index)

            patch.setattr(ThreadPoolExecutor, "submit", submit_one)
            with pytest.raises(KeyboardInterrupt):
                session.logits([1])
        fresh.logits(TOKENS[:4])
        np.testing.assert_array_equal(session.logits([1]), fresh.logits([1]))


def test_after_closing(model: Memory64Model) -> None:
    session = model.session(8)
    session.close()
    session.close()
    for use in (lambda: session.logits([1]), session.clear, lambda: list(session.generate([1]))):
        with pytest.raises(ClosedError):
            use()


def test_the_model_ends_its_sessions(tiny: Path) -> None:
    model = load_model(tiny, memory64=True)
    session = model.session(8)
    model.close()
    with pytest.raises(ClosedError):
        session.logits([1])
    session.close()
    with pytest.raises(ClosedError):
        model.session(8)


def test_a_restored_session_continues_exactly(model: Memory64Model, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    with model.session(64) as session, model.session(32) as restored:
        session.logits(TOKENS)
        session.save(file)
        restored.restore(file)
        assert restored.tokens == tuple(TOKENS)
        for token in (7, 8, 9):
            np.testing.assert_array_equal(session.logits([token]), restored.logits([token]))


def test_saving_replaces_the_file_or_leaves_it(model: Memory64Model, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    with model.session(64) as session:
        session.save(file)
        session.logits(TOKENS)
        session.save(file)
        assert [file] == list(tmp_path.glob("saved*"))
        with pytest.raises(SourceError, match="cannot be written"):
            session.save(tmp_path / "nowhere" / "saved")
        with pytest.raises(SourceNotFoundError):
            session.restore(tmp_path / "nowhere")
        with pytest.raises(SourceError):
            session.restore(tmp_path)


def test_a_damaged_file_is_refused(model: Memory64Model, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    with model.session(16) as session:
        session.logits(TOKENS)
        session.save(file)
        whole = file.read_bytes()
        for position in (0, 8, 50, 100, len(whole) // 2, len(whole) - 1):
            damaged = bytearray(whole)
            damaged[position] ^= 0x10
            file.write_bytes(damaged)
            with pytest.raises((SourceError, CapacityError)):
                session.restore(file)
            assert session.tokens == ()
        for size in (0, 7, 40, 47, 60, len(whole) - 1):
            file.write_bytes(whole[:size])
            with pytest.raises(SourceError):
                session.restore(file)
        file.write_bytes(whole + b"!")
        with pytest.raises(SourceError, match="damaged"):
            session.restore(file)
        file.write_bytes(whole)
        session.restore(file)
        assert session.tokens == tuple(TOKENS)


def test_a_file_that_is_too_long_or_of_another_model(model: Memory64Model, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    other = generate.tiny(tmp_path / "other.gguf", layers=2)
    with model.session(64) as session, model.session(4) as short, load_model(other) as stranger:
        session.logits(TOKENS)
        session.save(file)
        with pytest.raises(CapacityError, match="holds 12 tokens, there is room for 4"):
            short.restore(file)
        with stranger.session(64) as strange, pytest.raises(SourceError, match="another model"):
            strange.restore(file)
