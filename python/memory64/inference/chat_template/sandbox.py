"""Jinja's sandbox, as transformers sets it up for chat templates, with all work counted."""

import re
from datetime import datetime
from types import BuiltinMethodType, GeneratorType, MethodType
from typing import Any, NoReturn

from jinja2 import Undefined, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import BlockReference, Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace

from .filters import allow
from .meter import CHARACTERS, meter
from .methods import METHODS

_JINJAS_OWN = ("_loop_vars", "_block_vars")  # what is known where the call stands
_MOST_BITS = 4096
_WIDE_FORMAT = re.compile(r"\d{3}|\*")


class GenerationBlocks(Extension):
    """``{% generation %}`` marks what an assistant wrote, for training; here it marks nothing."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """What is within the block."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Sandbox(ImmutableSandboxedEnvironment):
    """Where a chat template runs, within ``meter.metered``."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self) -> None:
        """Set up as the authors of templates expect."""
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # else arithmetic is done, uncounted, while it compiles
            extensions=[loopcontrols, GenerationBlocks],
            cache_size=0,
        )
        allow(self)
        self.globals = {
            "range": self.globals["range"],
            "dict": dict,
            "namespace": Namespace,
            "cycler": Cycler,
            "joiner": Joiner,
            "raise_exception": _raise_exception,
            "strftime_now": _strftime_now,
        }
        self._callable = {id(function) for function in self.globals.values()}

    def call(  # the names, which no argument of a template can have, are Jinja's
        __self,  # noqa: N805
        __context: Context,
        __obj: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Call what a template may call."""
        args = tuple(list(arg) if isinstance(arg, GeneratorType) else arg for arg in args)
        given = [value for name, value in kwargs.items() if name not in _JINJAS_OWN]
        __self._count_call(__obj, *args, *given)
        return super().call(__context, __obj, *args, **kwargs)

    def _count_call(self, function: Any, *given: Any) -> None:
        owner = getattr(function, "__self__", None)
        if isinstance(function, BuiltinMethodType):
            count = METHODS.get(type(owner), {}).get(function.__name__)
            if count is not None:
                count(owner, *given)
                return
        elif (
            isinstance(function, Macro | BlockReference | LoopContext | Joiner | Undefined)
            or (isinstance(function, MethodType) and isinstance(owner, LoopContext | Cycler))
            or id(function) in self._callable
        ):
            meter().spend_on(given)
            return
        raise SecurityError(f"{function!r:.80} cannot be called")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate, if the result is not too large."""
        meter().spend(1 + _work_of(operator, left, right))
        return super().call_binop(context, operator, left, right)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What ``obj`` has there."""
        meter().spend_on(argument)
        return super().getitem(obj, argument)

    def unsafe_undefined(self, obj: Any, attribute: str) -> NoReturn:
        """Refuse at once, not when the attribute is used."""
        raise SecurityError(
            f"the attribute {attribute!r} of {type(obj).__name__} is not accessible"
        )


def _work_of(operator: str, left: Any, right: Any) -> int:
    if operator == "%" and isinstance(left, str):
        if _WIDE_FORMAT.search(left):
            raise SecurityError(f"the format {left!r:.80} is not for chats")
        meter().spend_on(right, times=1 + left.count("%"))
        return len(left) // CHARACTERS
    if isinstance(left, int) and isinstance(right, int):
        return _bits(operator, left, right) // 64
    if operator == "*" and isinstance(left, int):
        left, right = right, left
    times = right if operator == "*" and isinstance(right, int) else 1
    return max(0, times) * _length(left) + _length(right)


def _bits(operator: str, left: int, right: int) -> int:
    bits = left.bit_length() + right.bit_length()
    if operator == "**":
        bits = left.bit_length() * abs(right)
    if bits > _MOST_BITS:
        raise SecurityError(f"{operator} of such large numbers is not for chats")
    return bits


def _length(value: Any) -> int:
    if isinstance(value, str):
        return 1 + len(value) // CHARACTERS
    return len(value) if isinstance(value, list | tuple) else 1


def _raise_exception(message: Any) -> NoReturn:
    raise TemplateError(str(message))


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)
