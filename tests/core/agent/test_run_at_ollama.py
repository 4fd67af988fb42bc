"""Runs at an Ollama: its own format where it has it, and a context as large as the conversation."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import runs

from agentrouted.testing import ollama
from agentrouted.testing.replies import Reply
from agentrouted.testing.upstream import Received, Upstream
from agentrouted_protocol.runs import RunAgentParams, RunResult


async def run_at(upstream: Upstream, home: Path, host: WritingHost, prompt: str = "Hi", **provider: Any) -> RunResult:
    config = json.dumps({"providers": {"ollama": {"api_base": upstream.url, **provider}}})
    async with runs(home, config) as all_runs:
        return await all_runs.start(RunAgentParams(model="ollama/test-model", prompt=prompt), host).result()


def answered(request: Received) -> Reply:
    """In the format of the question."""
    return ollama.stream("Hello") if request.path == "/api/chat" else Reply.text("Hello")


@pytest.mark.parametrize(
    ("version", "protocol", "path", "wire"),
    [
        (True, {}, "/api/chat", "ollama_chat"),
        (False, {}, "/v1/chat/completions", "chat_completions"),
        (True, {"api_protocol": "openai"}, "/v1/chat/completions", "chat_completions"),
        (False, {"api_protocol": "ollama"}, "/api/chat", "ollama_chat"),
    ],
)
async def test_its_own_format_is_spoken_where_it_has_it_or_the_config_says_so(
    tmp_path: Path, version: bool, protocol: dict[str, str], path: str, wire: str
) -> None:
    host = WritingHost()
    beside = ollama.beside() if version else {"/api/version": Reply.status(404)}
    async with Upstream([answered], beside=beside) as upstream:
        result = await run_at(upstream, tmp_path, host, **protocol)
        assert [request.path for request in upstream.requests if request.method == "POST"][-1] == path
    [told] = [event.route for event in host.events if event.kind == "modelCallStart"]
    assert (told.wire, result.route and result.route.wire, result.text) == (wire, wire, "Hello")


async def test_the_config_says_how_the_model_is_loaded(tmp_path: Path) -> None:
    models = [{"id": "test-model", "context_window": 12000, "think": "low"}]
    async with Upstream([answered], beside=ollama.beside()) as upstream:
        await run_at(upstream, tmp_path, WritingHost(), keep_alive="30m", models=models)
        [body] = [request.body for request in upstream.requests]
    assert (body["options"], body["think"], body["keep_alive"]) == ({"num_ctx": 12000}, "low", "30m")


async def test_a_long_conversation_gets_a_context_that_holds_it_and_is_not_shortened(tmp_path: Path) -> None:
    long, host = "many words " * 5000, WritingHost()
    async with Upstream([answered], beside=ollama.beside(loaded=4096)) as upstream:
        await run_at(upstream, tmp_path, host, long)
        [body] = [request.body for request in upstream.requests]
    assert body["options"]["num_ctx"] == 32768
    assert body["messages"][0]["content"] == long
    assert "compaction" not in host.kinds
