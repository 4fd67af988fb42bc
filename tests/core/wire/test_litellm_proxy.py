"""LiteLLM's proxy as a real second server: `scripts/install-servers`, or its command in AGENTROUTED_TEST_LITELLM.

It takes half a minute to start, so one test looks at all.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness.peer import clean_environment
from harness.process import running
from harness.tool_servers import free_port
from harness.wire import endpoint, fault, prompt
from pydantic import SecretStr

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.base import ModelReply, ModelRequest, ToolSpec
from agentrouted.core.wire.formats import FORMATS
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.models import list_models
from agentrouted.testing import responses
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.messages import ImagePart, Message, TextPart, ToolCall

INSTALLED = Path(sys.prefix, "servers/bin/litellm")
LITELLM = os.environ.get("AGENTROUTED_TEST_LITELLM") or shutil.which(INSTALLED) or shutil.which("litellm")
KEY = "sk-0123456789abcdef0123456789abcdef"
ADD = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
READY = 120.0

pytestmark = pytest.mark.skipif(LITELLM is None, reason="litellm is missing: scripts/install-servers")


@asynccontextmanager
async def proxy(folder: Path, upstream: Upstream) -> AsyncIterator[str]:
    behind = {"model": "hosted_vllm/m", "api_base": upstream.url, "api_key": "k"}
    config = {
        "model_list": [{"model_name": "m", "litellm_params": behind}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }
    (folder / "litellm.yaml").write_text(json.dumps(config))
    port = free_port()
    environment = clean_environment(folder, LITELLM_LOCAL_MODEL_COST_MAP="True")
    arguments = ("--config", "litellm.yaml", "--host", "127.0.0.1", "--port", str(port))
    async with running(str(LITELLM), *arguments, environment=environment, folder=folder) as process:
        assert process.stderr
        async with asyncio.timeout(READY):
            async for line in process.stderr:
                if b"Uvicorn running" in line:
                    break
        yield f"http://127.0.0.1:{port}/v1"


async def asked(http: HttpClient, here: Endpoint, request: ModelRequest) -> ModelReply:
    reply = [chunk async for batch in FORMATS[here.wire](http).stream(here, request) for chunk in batch][-1]
    assert isinstance(reply, ModelReply)
    return reply


async def test_it_is_spoken_to_in_three_formats_and_its_errors_are_understood(http: HttpClient, tmp_path: Path) -> None:
    async with Upstream([_hello]) as upstream, proxy(tmp_path, upstream) as url:
        known: dict[str, Any] = {"provider": "litellm", "model_id": "m", "api_key": SecretStr(KEY)}
        assert [each.id for each in await list_models(http, endpoint(url, **known))] == ["m"]
        for wire in ("chat_completions", "anthropic_messages", "openai_responses"):
            here = endpoint(url, wire=wire, **known)
            reply = await asked(http, here, prompt(tools=[ADD]))
            assert (reply.text, reply.usage.input_tokens, reply.usage.estimated) == ("Hello world", 10, False), wire
            image = Message(role="user", content=[TextPart(text="Look"), ImagePart(data="QUJD", mime_type="image/png")])
            called = Message(role="assistant", tool_calls=[ToolCall(id="c1", name="add", arguments={"a": 1})])
            told = Message(role="tool", tool_call_id="c1", name="add", content="3")
            await asked(http, here, prompt(messages=[image, called, told], tools=[ADD]))
            last = json.dumps(upstream.requests[-1].body)
            assert "data:image/png;base64,QUJD" in last and '"c1"' in last and "3" in last, wire
        await _errors(http, url, known)


def _hello(request: Received) -> Reply:
    """It asks for responses by themselves, and for all else as chat completions."""
    is_response = request.path.endswith("/responses")
    return responses.stream("Hello", " world") if is_response else Reply.text("Hello", " world")


async def _errors(http: HttpClient, url: str, known: dict[str, Any]) -> None:
    for wire in ("chat_completions", "anthropic_messages", "openai_responses"):
        missing = await fault(http, url, **{**known, "wire": wire, "model_id": "zz"})
        refused = await fault(http, url, **{**known, "wire": wire, "api_key": SecretStr("sk-wrong")})
        assert (missing.kind, refused.kind) == ("modelMissing", "providerAuth"), (wire, missing, refused)


async def test_what_fails_behind_it_keeps_its_kind(http: HttpClient, tmp_path: Path) -> None:
    busy = Reply.status(429, {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}})
    long = {"message": "This model's maximum context length is 10 tokens", "code": "context_length_exceeded"}
    script = [busy, Reply.status(400, {"error": long}), Reply.status(500)]
    async with Upstream([lambda request: script.pop(0)]) as upstream, proxy(tmp_path, upstream) as url:
        errors: list[AgentroutedError] = []
        for _ in range(3):
            errors.append(await fault(http, url, provider="litellm", model_id="m", api_key=SecretStr(KEY)))
    assert [error.kind for error in errors] == ["rateLimited", "contextOverflow", "providerError"]
    assert [error.retryable for error in errors] == [True, False, True]
