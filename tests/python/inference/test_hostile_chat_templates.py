"""A template that loops, grows or reaches for attributes is stopped, each by its own work.

That these tests end is what they test: without the counting, each of the first kinds would take
more time or memory than there is.
"""

import pytest

from memory64 import ChatTemplateError
from memory64.inference.chat_template import ChatTemplate
from memory64.inference.tokenizer import Tokenizer


def loops(body: str, start: str = "'x'") -> str:
    return (
        f"{{% set n = namespace(s={start}) %}}"
        f"{{% for i in range(100) %}}{{% set n.s = {body} %}}{{% endfor %}}"
    )


NESTED_LISTS = loops("[n.s, n.s]", "[1]")
NESTED_TUPLES = loops("(n.s, n.s)", "(1,)")
MEGABYTE = "{% set s = 'a' * 1000000 %}"
EACH = "{% for i in range(100000) %}"
MANY = "{% set l = range(100000) | list %}" + EACH
END = "{% endfor %}"

ENDLESS = [
    EACH + EACH + END + END,
    EACH + EACH + "x" + END + END,
    EACH + "{% for j in range(100000) if false %}" + END + END,
    EACH + "{% for j in range(100000) if loop %}{% break %}" + END + END + EACH + EACH + END + END,
    "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) ~ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% set c = cycler('a') %}" + EACH + EACH + "{{ c.next() }}" + END + END,
    "{{ 'x' * 10 ** 10 }}",
    "{{ 10 ** 10 * 'x' }}",
    "{{ ['x'] * 10 ** 10 }}",
    loops("n.s ~ n.s") + "{{ n.s }}",
    loops("n.s + n.s") + "{{ n.s }}",
    loops("n.s | replace('x', 'xx')") + "{{ n.s }}",
    loops("n.s.replace('x', 'xx')") + "{{ n.s }}",
    loops("n.s | join(n.s)", "'xy'") + "{{ n.s }}",
    loops("n.s.join(n.s)", "'xy'") + "{{ n.s }}",
    loops("n.s | tojson", "'\"'") + "{{ n.s }}",
    "{{ ('\\n' * 1000000) | indent(900, true, true) }}",
    loops("'%s%s' % (n.s, n.s)") + "{{ n.s }}",
    NESTED_LISTS + "{{ n.s }}",
    NESTED_LISTS + "{{ n }}",
    NESTED_LISTS + "{{ n.s | string }}",
    NESTED_LISTS + "{{ n.s | tojson }}",
    NESTED_LISTS + "{{ n.s ~ '' }}",
    NESTED_LISTS + "{{ n.s == n.s }}",
    NESTED_LISTS + "{{ n.s is eq(n.s) }}",
    NESTED_LISTS + "{{ [n.s] | sort }}",
    NESTED_LISTS + "{{ '%s' % [n.s] }}",
    NESTED_LISTS + "{{ {'a': n.s}.items() }}",
    NESTED_LISTS + "{{ {'a': n.s}.values() | list | upper }}",
    NESTED_LISTS + "{{ [1].index(n.s) }}",
    NESTED_TUPLES + "{{ {n.s: 1} }}",
    NESTED_TUPLES + "{{ {1: 1}[n.s] }}",
    NESTED_TUPLES + "{{ {1: 1}.get(n.s) }}",
    NESTED_TUPLES + "{{ n.s in [1] }}",
    "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
    MEGABYTE + "{{ s.replace('', s) }}",
    MEGABYTE + "{{ s | replace('', s) }}",
    MEGABYTE + "{{ s.join(s) }}",
    MEGABYTE + "{{ s | join(s) }}",
    MEGABYTE + "{{ s.strip('b' * 1000000) }}",
    MEGABYTE + "{{ s | trim('b' * 1000000) }}",
    MEGABYTE + EACH + "{% set x = s[1:] %}" + END,
    MEGABYTE + EACH + "{% set x = s.upper() %}" + END,
    MEGABYTE + EACH + "{% if s == s ~ '' %}{% endif %}" + END,
    MEGABYTE + EACH + "{{ s }}" + END,
    MEGABYTE + EACH + "{% set x %}{{ s }}{% endset %}" + END,
    MANY + "{{ l | sort | length }}" + END,
    MANY + "{{ -1 in l }}" + END,
    MANY + "{{ l | select('equalto', -1) | first }}" + END,
    MANY + "{{ l | map('string') | join | length }}" + END,
    EACH + "x" * 200_000 + END,
    EACH + "{{ '" + "x" * 200_000 + "' }}" + END,
    EACH + "{% set x = [" + "1," * 100_000 + "] %}" + END,
    "{{ range(100000) | list | tojson(indent=900) }}",
]

REFUSED = {
    "{% for i in range(10 ** 9) %}{% endfor %}": "Range too big",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}": "recursion",
    "{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}": "recursion",
    "{% block a %}{{ self.a() }}{% endblock %}": "recursion",
    "{{ " + "(" * 5000 + " }}": "recursion",
    "{{ " + "not " * 5000 + "1 }}": "recursion",
    "{{ 10 ** (10 ** 9) }}": "such large numbers",
    loops("n.s * n.s", "9"): "such large numbers",
    "{{ 1.5 | round(10 ** 9, 'ceil') }}": "a parameter is at most 1000",
    "{{ 'x' | indent(10 ** 9) }}": "a parameter is at most 1000",
    "{{ [1] | tojson(indent=10 ** 9) }}": "a parameter is at most 1000",
    "{{ [1] | tojson(indent=' ') }}": "indent needs to be a number",
    "{{ '%1000000000d' % 1 }}": "format .* is not for chats",
    "{{ '%*d' % (1000000000, 1) }}": "format .* is not for chats",
    "{{ '{:1000000000}'.format(1) }}": "cannot be called",
    "{{ 'x'.ljust(10 ** 9) }}": "cannot be called",
    "{{ 'x'.zfill(10 ** 9) }}": "cannot be called",
    "{{ 'x' | center(10 ** 9) }}": "No filter named 'center'",
    "{{ [1] | batch(10 ** 9, 0) }}": "No filter named 'batch'",
    "{{ lipsum(10 ** 9) }}": "'lipsum' is undefined",
    "{{ ''.__class__ }}": "'__class__' of str is not accessible",
    "{{ ''['__class__'].__mro__ }}": "'__class__' of str is not accessible",
    "{{ '' | attr('__class__') }}": "No filter named 'attr'",
    "{{ [''] | map(attribute='__class__') | list }}": "'__class__' of str is not accessible",
    "{{ raise_exception.__globals__ }}": "'__globals__' of function is not accessible",
    "{{ cycler.__init__.__globals__ }}": "'__init__' of type is not accessible",
    "{{ self._TemplateReference__context }}": "is not accessible",
    "{{ messages.append(1) }}": "'append' of list is not accessible",
    "{{ joiner.mro() }}": "'mro' of type is not accessible",
    "{{ '{0.__class__}'.format(1) }}": "cannot be called",
    "{% include 'x' %}": "Include is not for chats",
    "{% import 'x' as y %}": "Import is not for chats",
    "{% from 'x' import y %}": "FromImport is not for chats",
    "{% extends 'x' %}": "Extends is not for chats",
    "{% autoescape true %}{% endautoescape %}": "is not for chats",
    "{{ a.b.c }}": "'a' is undefined",
    "{{ 1 / 0 }}": "division by zero",
    "{{ none + 1 }}": "unsupported operand",
    "{% for i in [1] %}" * 50 + "{% endfor %}" * 50: "nested",
    "x" * 300_000: "300000 characters, at most 262144",
}


@pytest.mark.parametrize("source", ENDLESS, ids=lambda source: source[-60:])
def test_work_without_end(source: str, words_tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatTemplateError, match="works for too long, or makes too much text"):
        ChatTemplate(source, words_tokenizer).render([{"role": "user", "content": "Hi"}])


@pytest.mark.parametrize("source", REFUSED, ids=lambda source: source[:60])
def test_what_no_template_needs(source: str, words_tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatTemplateError, match=REFUSED[source]):
        ChatTemplate(source, words_tokenizer).render([{"role": "user", "content": "Hi"}])


def test_the_next_one_runs(words_tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatTemplateError):
        ChatTemplate(ENDLESS[0], words_tokenizer).render([])
    assert ChatTemplate("{{ messages | length }}", words_tokenizer).render([]) == "0"
