"""A template with its work counted: what Jinja does by itself is preceded by a count.

Calls, filters, tests and arithmetic ask the environment, which counts. What is left is rewritten
here, in the syntax tree: repeated parts count how long they are each time, and what is written
out, compared, joined, sliced or used as a key counts how large it is.
"""

from collections.abc import Sequence
from typing import cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from ...errors import ChatTemplateError
from .meter import CHARACTERS

SPENT = "memory64_spent"
"""A filter: counts as many units as its value says, and is true."""

COUNTED = "memory64_counted"
"""A filter: its value, counted."""

_REFUSED = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.EvalContextModifier)
_Repeated = nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block


def counted(template: nodes.Template) -> nodes.Template:
    """``template`` rewritten.

    Raises:
        ChatTemplateError: it has a part that no chat template needs.
    """
    return cast(nodes.Template, _Counting().visit(template))


class _Counting(NodeTransformer):
    def generic_visit(self, node: nodes.Node, *args: object, **kwargs: object) -> nodes.Node:
        if isinstance(node, _REFUSED):
            raise ChatTemplateError(
                f"line {node.lineno} of the chat template: {type(node).__name__} is not for chats"
            )
        own_length = _length(node) if isinstance(node, _Repeated | nodes.Template) else 0
        node = super().generic_visit(node)
        if isinstance(node, _Repeated | nodes.Template):
            node.body.insert(0, nodes.ExprStmt(_spent(own_length)).set_lineno(node.lineno))
        if isinstance(node, nodes.For) and node.test is not None:
            node.test = nodes.And(_spent(own_length), node.test)
        if isinstance(node, nodes.Output | nodes.Concat):
            node.nodes = [_counted(part) for part in node.nodes]
        elif isinstance(node, nodes.Compare):
            node.expr = _counted(node.expr)
            for operand in node.ops:
                operand.expr = _counted(operand.expr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            node.node = _counted(node.node)
        elif isinstance(node, nodes.Pair):
            node.key = _counted(node.key)
        return node


def _length(node: nodes.Node) -> int:
    """Units of work in going through ``node`` once."""
    parts: Sequence[nodes.Node] = (node, *node.find_all(nodes.Node))
    constants = (
        part.data if isinstance(part, nodes.TemplateData) else part.value
        for part in parts
        if isinstance(part, nodes.TemplateData | nodes.Const)
    )
    texts = sum(len(constant) for constant in constants if isinstance(constant, str))
    return len(parts) + texts // CHARACTERS


def _spent(units: int) -> nodes.Expr:
    return nodes.Filter(nodes.Const(units), SPENT, [], [], None, None)


def _counted(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.TemplateData | nodes.Const):
        return node
    return nodes.Filter(node, COUNTED, [], [], None, None)
