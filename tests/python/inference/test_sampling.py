"""Settings are checked where they are made."""

from typing import Any

import pytest

from memory64.inference.sampling import Sampling


def test_the_defaults_are_those_of_llama_cpp() -> None:
    assert Sampling() == Sampling(
        temperature=0.8,
        top_k=40,
        top_p=0.95,
        min_p=0.05,
        repeat_penalty=1.0,
        repeat_last_n=64,
        seed=None,
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -0.1}, "temperature needs to be at least 0, found -0.1"),
        ({"temperature": float("nan")}, "temperature needs to be at least 0, found nan"),
        ({"temperature": float("inf")}, "temperature needs to be at least 0, found inf"),
        ({"top_k": -1}, "top_k needs to be at least 0"),
        ({"top_p": 1.01}, "top_p needs to be from 0 to 1"),
        ({"min_p": -0.01}, "min_p needs to be from 0 to 1"),
        ({"repeat_penalty": 0}, "repeat_penalty needs to be at least 0.01"),
        ({"repeat_last_n": -2}, "repeat_last_n needs to be at least -1"),
        ({"seed": -1}, "seed needs to be from 0 to 18446744073709551615"),
        ({"seed": 1 << 64}, "seed needs to be from 0 to"),
    ],
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**values)


@pytest.mark.parametrize(
    "values",
    [{"temperature": "1"}, {"temperature": True}, {"top_k": 1.0}, {"seed": 1.5}, {"top_p": None}],
)
def test_values_of_another_type(values: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="needs to be a"):
        Sampling(**values)
