"""Structured output of the embedded engine: nothing is scripted here."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentrouted.core.config.environment import Environment
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.local.known import KNOWN_MODELS
from agentrouted.core.output.answer import Answer, read
from agentrouted.core.output.modes import first_mode
from agentrouted.core.output.partial import PartialOutput
from agentrouted.core.output.shape import shape
from agentrouted.core.output.wanted import OUTPUT_TOOL, Mode, Wanted
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import Services, open_services
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest, ToolSpec
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import Sampling

pytestmark = pytest.mark.model

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "population": {"type": "integer"},
        "size": {"enum": ["small", "large"]},
    },
    "required": ["name", "population", "size"],
    "additionalProperties": False,
}
NUMBERS = {"type": "array", "items": {"type": "integer", "maximum": 99}, "minItems": 2, "maxItems": 2}
PROMPT = ModelRequest([Message(role="user", content="What is the population of Paris?")])
ADD = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})


@asynccontextmanager
async def embedded(model: Path, home: Path) -> AsyncIterator[tuple[Services, Endpoint]]:
    """With the template that we bring: the model's own has no place for tools."""
    template = KNOWN_MODELS["smollm2-135m"].chat_template
    (home / ".agentroute").mkdir()
    config = f"daemon: {{embedded: {{chat_templates: {{'{model}': '{template}'}}}}}}"
    (home / ".agentroute/config.yaml").write_text(config)
    async with open_services(Environment({"XDG_RUNTIME_DIR": str(home)}, home, home)) as services:
        (candidate,) = resolve(services.config.current, f"local/{model}").endpoints
        yield services, await services.connect(candidate.endpoint)


async def talk(services: Services, endpoint: Endpoint, request: ModelRequest) -> list[Sequence[Chunk]]:
    asked = replace(request, sampling=Sampling(temperature=0), max_tokens=80)
    async with aclosing(services.stream(endpoint, asked)) as stream:
        return [batch async for batch in stream]


async def test_a_model_is_held_to_the_schema(demo_model: Path, tmp_path: Path) -> None:
    async with embedded(demo_model, tmp_path) as (services, endpoint):
        for schema in (CITY, NUMBERS, {"enum": ["large"]}):
            wanted = Wanted(schema, "Answer")
            assert first_mode(wanted, endpoint, has_tools=False) == "native"
            reply = (await talk(services, endpoint, shape(PROMPT, wanted, "native")))[-1][-1]
            assert isinstance(reply, ModelReply)
            answer = read(wanted, "native", reply)
            assert isinstance(answer, Answer)
            assert json.loads(reply.text) in (answer.value, {"result": answer.value})


@pytest.mark.parametrize(("mode", "schema"), [("native", CITY), ("tool", CITY), ("tool", NUMBERS)])
async def test_the_answer_is_seen_while_it_is_written(
    demo_model: Path, tmp_path: Path, mode: Mode, schema: dict[str, Any]
) -> None:
    wanted = Wanted(schema, "Answer")
    output = PartialOutput(wanted)
    async with embedded(demo_model, tmp_path) as (services, endpoint):
        batches = await talk(services, endpoint, shape(PROMPT, wanted, mode))
    seen = [value for batch in batches if (value := output.take(batch)) is not None]
    reply = batches[-1][-1]
    assert isinstance(reply, ModelReply)
    answer = read(wanted, mode, reply)
    assert isinstance(answer, Answer) and (answer.call_id is not None) == (mode == "tool")
    assert len(seen) > 1 and wanted.fit(seen[-1]) == answer.value


async def test_a_call_is_all_that_a_model_may_end_with_if_it_has_to_call(demo_model: Path, tmp_path: Path) -> None:
    wanted = Wanted(CITY, "City")
    async with embedded(demo_model, tmp_path) as (services, endpoint):
        mode = first_mode(wanted, endpoint, has_tools=True)
        reply = (await talk(services, endpoint, shape(replace(PROMPT, tools=[ADD]), wanted, mode)))[-1][-1]
    assert mode == "tool" and isinstance(reply, ModelReply)
    assert {call.name for call in reply.calls} in ({"add"}, {OUTPUT_TOOL})
