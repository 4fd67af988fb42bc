"""Chat templates of embedded models: their own, ours, and the user's."""

import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness.engines import HELLO, ask

from agentrouted.core.errors import ConfigInvalid
from agentrouted.core.local import child
from agentrouted.core.local.engine import Engines
from agentrouted.core.local.process import EngineSettings, RunningEngine

pytestmark = pytest.mark.model

TOOL_TEMPLATE = """{% for t in tools or [] %}{{ t|tojson }}{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments|tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}<|im_start|>assistant
"""
BROUGHT = (Path(child.__file__).parent / "templates/smollm2-135m.jinja").read_text()


async def test_the_demo_models_own_template_knows_no_tools_and_the_one_we_bring_does(
    folder: Path, demo_model: Path
) -> None:
    for template, knows in ((None, False), (BROUGHT, True)):
        async with running(folder, demo_model, template) as engine:
            assert engine.supports_tools is knows


@pytest.mark.parametrize(
    "messages",
    [
        [("user", "Hi")],
        [("system", "Be brief."), ("user", "Hi "), ("assistant", "\nHello"), ("user", "{{ x }}")],
        [("user", "Hi"), ("system", "Be brief."), ("user", "")],
    ],
)
async def test_without_tools_the_template_we_bring_says_what_the_models_own_says(
    folder: Path, demo_model: Path, messages: list[tuple[str, str]]
) -> None:
    body = {"messages": [{"role": role, "content": content} for role, content in messages]}
    prompts = []
    for template in (None, BROUGHT):
        async with running(folder, demo_model, template) as engine:
            prompts.append((await ask(engine, "/apply-template", body))[1]["prompt"])

    assert prompts[0] == prompts[1]


async def test_a_transcript_with_calls_stands_in_the_prompt_as_the_examples_do(folder: Path, demo_model: Path) -> None:
    calls = [
        {"id": str(number), "type": "function", "function": {"name": "age", "arguments": json.dumps({"of": name})}}
        for number, name in enumerate(["Al", 'Bo "B" Bee'])
    ]
    messages = [
        {"role": "user", "content": "How old?"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "0", "content": "21"},
        {"role": "tool", "tool_call_id": "1", "content": "22"},
    ]
    tool = {"type": "function", "function": {"name": "age", "parameters": {"type": "object"}}}
    async with running(folder, demo_model, BROUGHT) as engine:
        _, reply = await ask(engine, "/apply-template", {"messages": messages, "tools": [tool]})

    first, *_, asked, called, one, two, opened = reply["prompt"].split("<|im_start|>")[1:]
    assert '"name": "age"' in first
    assert asked == "user\nHow old?<|im_end|>\n"
    assert called == (
        'assistant\nLet me see.\n<tool_call>\n{"name": "age", "arguments": {"of": "Al"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "age", "arguments": {"of": "Bo \\"B\\" Bee"}}\n</tool_call><|im_end|>\n'
    )
    assert (one, two, opened) == ("tool\n21<|im_end|>\n", "tool\n22<|im_end|>\n", "assistant\n")


async def test_a_template_that_is_no_jinja_is_refused_with_the_place(engines: Engines, demo_model: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        await engines.open(demo_model, EngineSettings(chat_template="{% for m in messages %}\n{{ m.content -%}"))

    assert str(demo_model) in caught.value.message and "{{ m.content -%}" in caught.value.message
    assert "daemon.embedded.chat_templates" in str(caught.value.hint)


@asynccontextmanager
async def running(folder: Path, model: Path, template: str | None) -> AsyncIterator[RunningEngine]:
    engines = Engines(folder)
    yield await engines.open(model, EngineSettings(chat_template=template))
    await engines.aclose()


async def test_a_template_with_tools_is_used(engines: Engines, demo_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "tools.gguf"
    model.write_bytes(with_template(demo_model.read_bytes(), TOOL_TEMPLATE.encode()))
    engine = await engines.open(model)
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}

    _, reply = await ask(engine, "/apply-template", HELLO | {"tools": [tool]})

    assert engine.supports_tools
    assert "get_weather" in reply["prompt"]


def with_template(gguf: bytes, template: bytes) -> bytes:
    """The same model with another chat template in the place of its own: name, type, length, text."""
    length_at = gguf.index(b"tokenizer.chat_template") + len(b"tokenizer.chat_template") + 4
    (length,) = struct.unpack_from("<Q", gguf, length_at)
    assert len(template) <= length
    return gguf[: length_at + 8] + template.ljust(length) + gguf[length_at + 8 + length :]
