"""Prompts are what Jinja's own sandbox makes of a template, set up as transformers does."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from jinja2.exceptions import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from memory64 import ChatTemplateError
from memory64.inference.chat_template import ChatTemplate
from memory64.inference.tokenizer import Tokenizer

CHATML = """\
{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages[1:] if message.role != 'system' %}
    {%- set content = message.content | trim %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ content ~ '<|im_end|>' ~ '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

ALTERNATING = """\
{{ bos_token }}
{%- for message in messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Roles must alternate") }}
    {%- endif -%}
    <start>{{ {'assistant': 'model'}.get(message['role'], message['role']) }}
    {% if message.content is string -%}
        {{ message.content | trim }}
    {%- elif message.content is iterable -%}
        {%- for part in message.content -%}
            {%- if part.type == 'text' -%}{{ part.text }}{%- else -%}<{{ part.type }}>{%- endif -%}
        {%- endfor -%}
    {%- endif -%}<end>{{ eos_token if loop.last }}
{% endfor -%}
"""

TOOLS = """\
{%- macro kind(parameter) -%}
    {%- if parameter.type == 'array' -%}{{ kind(parameter['items']) }}[]
    {%- elif parameter.enum is defined -%}{{ parameter.enum | map('tojson') | join(' | ') }}
    {%- else -%}{{ parameter.type | default('any') }}{%- endif -%}
{%- endmacro -%}
{%- set found = namespace(system='', calls=0, last=none) -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}{%- set found.system = found.system + message.content -%}
    {%- elif loop.last -%}{%- set found.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{{ bos_token }}{{ found.system.strip().replace('\\n', ' ').title() }}
{% if tools is not none and tools | length > 0 -%}
# Tools
{% for tool in tools | sort(attribute='function.name') -%}
{% set f = tool.function %}{{ f.name }}(
{%- for name, parameter in (f.parameters.properties or {}).items() -%}
{{ name }}{{ '' if name in f.parameters.required else '?' }}: {{ kind(parameter) -}}
{{ ', ' if not loop.last }}
{%- endfor %}) -- {{ f.description | replace('"', "'") | indent(4) }}
{{ f | tojson }}
{{ f.parameters | tojson(indent=2) }}
{% endfor -%}
{%- endif %}
{%- for message in messages if message.role != 'system' %}
{%- if message.role == 'internal' %}{% continue %}{% endif %}
{%- for call in message.tool_calls or [] -%}
{%- set found.calls = found.calls + 1 -%}
{%- set arguments = call.function.arguments -%}
<call {{ found.calls }}>{{ arguments if arguments is string else arguments | tojson }}</call>
{%- endfor -%}
{% set lines = (message.content or '').split('</think>') -%}
{% generation %}{{ message.role | upper }}{{ '*' if loop.index0 == found.last }}:
 {{ lines[-1].lstrip('\\n') }}{% endgeneration %}
{{ loop.previtem.role if loop.previtem is defined }}/{{ loop.nextitem.role if loop.nextitem }}
{%- endfor %}
{% block ending %}
{{ messages | selectattr('role', 'equalto', 'user') | list | length }} of {{ messages | length }}
{% endblock %}
{{ messages[::-1] | map(attribute='role') | join(',') }}
{{ '%s-%d' % ('x', 7) }} {{ 7 // 2 * 1.5 ** 2 - 3 % 2 }}
{{ strftime_now('%Y') }} {{ range(3) | list }} {{ [1, 2] + [3] }}
{{ {'a': 1} | items | list }} {{ 'ab' * 2 }}
"""

TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief.\n"},
    {"role": "user", "content": "  Hello <b>you</b> & 'them' é 🎉 "},
    {"role": "assistant", "content": "<think>…</think>\n\nHi!"},
    {"role": "user", "content": "Bye"},
]
PARTS: list[dict[str, Any]] = [
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
    {"role": "assistant", "content": "A cat."},
]
CALLS: list[dict[str, Any]] = [
    {"role": "user", "content": "Weather in Paris?"},
    {"role": "internal", "content": "hidden"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}],
    },
    {"role": "tool", "content": "20 °C"},
]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": 'The "weather"\nof a city',
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "array", "items": {"enum": ["today", "later"]}},
            },
            "required": ["city"],
        },
    },
}


def plainly(source: str, variables: Mapping[str, Any]) -> str:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(
        value, ensure_ascii=False, indent=indent
    )
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    source = source.replace("generation %}", "if true %}").replace("endif true", "endif")
    return environment.from_string(source).render(**variables)


@pytest.mark.parametrize("source", [CHATML, ALTERNATING, TOOLS], ids=["chatml", "turns", "tools"])
@pytest.mark.parametrize("messages", [TALK, TALK[1:], PARTS, CALLS], ids=["a", "b", "c", "d"])
@pytest.mark.parametrize("tools", [None, [WEATHER]], ids=["", "tools"])
@pytest.mark.parametrize("prompted", [True, False])
def test_against_plain_jinja(
    source: str,
    messages: list[dict[str, Any]],
    tools: list[Any] | None,
    prompted: bool,
    words_tokenizer: Tokenizer,
) -> None:
    given = {"tools": tools, "add_generation_prompt": prompted}
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    template = ChatTemplate(source, words_tokenizer)
    try:
        expected = plainly(source, {"messages": messages} | given | tokens)
    except (TemplateError, TypeError):
        with pytest.raises(ChatTemplateError):
            template.render(messages, **given)
    else:
        assert template.render(messages, **given) == expected


def test_of_a_real_model(smollm2_metadata: Mapping[str, Any], smollm2_tokenizer: Tokenizer) -> None:
    template = ChatTemplate.from_metadata(smollm2_metadata, smollm2_tokenizer)
    prompt = (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert template.render([{"role": "user", "content": "Hi"}]) == prompt
    tokens = template.tokens([{"role": "user", "content": "Hi"}])
    assert tokens == smollm2_tokenizer.tokenize(prompt, parse_special=True)


def test_bos_is_there_once(gemma_tokenizer: Tokenizer) -> None:
    said = [{"role": "user", "content": "Hi"}]
    (bos,) = gemma_tokenizer.special.before
    tokens = ChatTemplate("{{ messages[0].content }}", gemma_tokenizer).tokens(said)
    assert tokens == [bos, *gemma_tokenizer.tokenize("Hi", add_special=False)]
    assert ChatTemplate("{{ bos_token }}Hi", gemma_tokenizer).tokens(said) == tokens


def test_a_base_model_has_none(gemma_tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatTemplateError, match=r"no tokenizer.chat_template: .*not trained"):
        ChatTemplate.from_metadata({}, gemma_tokenizer)


def test_refused_by_the_template(words_tokenizer: Tokenizer) -> None:
    template = ChatTemplate("{{ raise_exception('no system role') }}", words_tokenizer)
    with pytest.raises(ChatTemplateError, match="no system role"):
        template.render([])


def test_a_template_that_is_none(words_tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatTemplateError, match="line 2 of the chat template"):
        ChatTemplate("\n{% if %}", words_tokenizer).render([])


def test_messages_are_plain_values(words_tokenizer: Tokenizer) -> None:
    with pytest.raises(TypeError):
        ChatTemplate("", words_tokenizer).render([{"role": "user", "content": object()}])
    template = ChatTemplate("{{ messages[0].a }}", words_tokenizer)
    assert template.render([{"a": (1, 2)}]) == "[1, 2]"


def test_a_long_talk(words_tokenizer: Tokenizer) -> None:
    talk = [{"role": role, "content": "word " * 400} for role in ("user", "assistant")] * 500
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    assert ChatTemplate(ALTERNATING, words_tokenizer).render(talk) == plainly(
        ALTERNATING, {"messages": talk, **tokens}
    )
