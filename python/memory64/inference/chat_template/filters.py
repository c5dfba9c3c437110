"""The filters and tests that templates may use, their work counted.

Those of Jinja that no chat template needs are left out: some make much of little.
"""

import json
from collections.abc import Callable
from functools import wraps
from types import GeneratorType
from typing import Any, cast

from jinja2 import Environment, pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.tests import TESTS
from markupsafe import escape

from ...errors import ChatTemplateError
from .meter import meter
from .methods import joining, replacing
from .rewriting import COUNTED, SPENT

_LARGEST_PARAMETER = 1000

_ELEMENTS = ("list", "reverse", "select", "selectattr", "reject", "rejectattr", "map", "items")
_AT_ONCE = ("length", "count", "first", "last", "default", "d")
_SORTING = ("sort", "unique", "groupby", "min", "max", "dictsort")
_WHOLE = ("string", "lower", "upper", "title", "capitalize", "int", "float", "abs", "round")
_AT_ONCE_TESTS = (
    *("defined", "undefined", "none", "boolean", "false", "true", "integer", "float", "number"),
    *("string", "mapping", "iterable", "sequence", "sameas", "callable", "odd", "even"),
    *("divisibleby", "escaped", "filter", "test"),
)


def allow(environment: Environment) -> None:
    """Give ``environment`` these filters and tests, and no others."""
    environment.filters = {
        **{name: FILTERS[name] for name in _AT_ONCE},
        **{name: _counting(FILTERS[name], _count_elements) for name in _ELEMENTS},
        **{name: _counting(FILTERS[name], _count_sorting) for name in _SORTING},
        **{name: _counting(FILTERS[name], _count_whole) for name in _WHOLE},
        "join": _counting(FILTERS["join"], _count_joining),
        "replace": _counting(FILTERS["replace"], _count_replacing),
        "trim": _counting(FILTERS["trim"], _count_trimming),
        "indent": _counting(FILTERS["indent"], _count_indenting),
        "tojson": _counting(_to_json, _count_whole),
        **{name: _counting(_escaped, _count_whole) for name in ("escape", "e")},
        "safe": _counting(str, _count_whole),
        SPENT: _spent,
        COUNTED: _counted,
    }
    environment.tests = {
        name: test
        if name in _AT_ONCE_TESTS
        else _counting(cast(Callable[..., Any], test), _count_whole)
        for name, test in TESTS.items()
    }


@pass_context  # else Jinja calls it while it compiles
def _spent(context: Context, units: int) -> bool:
    meter().spend(units)
    return True


@pass_context
def _counted(context: Context, value: Any) -> Any:
    meter().spend_on(value)
    return value


def _counting(function: Callable[..., Any], count: Callable[..., None]) -> Callable[..., Any]:
    passes_first = hasattr(function, "jinja_pass_arg")

    @wraps(function)
    def counting(*args: Any, **kwargs: Any) -> Any:
        args = tuple(list(arg) if isinstance(arg, GeneratorType) else arg for arg in args)
        value, *parameters = args[passes_first:]
        parameters += kwargs.values()
        meter().spend_on(parameters)
        if any(isinstance(given, int) and abs(given) > _LARGEST_PARAMETER for given in parameters):
            raise ChatTemplateError(
                f"a filter of the chat template: a parameter is at most {_LARGEST_PARAMETER}, "
                f"found {parameters!r:.80}"
            )
        count(value, *parameters)
        return function(*args, **kwargs)

    return counting


def _count_elements(value: Any, *parameters: Any) -> None:
    meter().spend(len(value) if hasattr(value, "__len__") else 1)


def _count_whole(value: Any, *parameters: Any) -> None:
    meter().spend_on(value)


def _count_sorting(value: Any, *parameters: Any) -> None:
    # As often as a list of the most elements is gone over while it is sorted.
    meter().spend_on(value, times=24)


def _count_joining(value: Any, separator: Any = "", *parameters: Any) -> None:
    joining(str(separator), value)


def _count_replacing(value: Any, old: Any, new: Any, *parameters: Any) -> None:
    meter().spend_on(value, old, new)
    replacing(str(value), str(old), str(new))


def _count_trimming(value: Any, characters: Any = "", *parameters: Any) -> None:
    meter().spend_on(value, times=1 + len(str(characters or "")))


def _count_indenting(value: Any, width: Any = 4, *parameters: Any) -> None:
    meter().spend_on(value)
    indent = width if isinstance(width, str) else " " * int(width)
    replacing(str(value), "\n", "\n" + indent)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    if isinstance(indent, str):
        raise ChatTemplateError("tojson in the chat template: indent needs to be a number")
    encoder = json.JSONEncoder(
        ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
    parts = []
    for part in encoder.iterencode(value):
        meter().spend_on(part)
        parts.append(part)
    return "".join(parts)


def _escaped(value: Any) -> str:
    return str(escape(value))
