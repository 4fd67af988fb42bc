"""Model strings as objects to ask."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from agentrouted import ErrorAgent, LLMChunk, LLMRequest, Message, Model, resolve_model
from agentrouted.testing.upstream import Reply, Upstream

TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}


def request(**more: Any) -> LLMRequest:
    return LLMRequest("", [Message("user", "Hi")], **more)


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AGENTROUTE_API_KEY", "OPENROUTER_API_KEY", "OLLAMA_BASE_URL", "OLLAMA_HOST", "LOCAL_LLM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "model_id", "base_url", "provider"),
    [
        ("claude-sonnet-4", "anthropic/claude-sonnet-4", "https://openrouter.ai/api/v1", "openrouter"),
        ("vendor/model", "vendor/model", "https://openrouter.ai/api/v1", "openrouter"),
        ("ollama/llama3", "llama3", "http://localhost:11434/v1", "ollama"),
        ("https://llm.example.org/v1/big", "big", "https://llm.example.org/v1", "llm.example.org"),
    ],
)
def test_a_model_string_leads_somewhere(name: str, model_id: str, base_url: str, provider: str) -> None:
    model = resolve_model(name)
    assert (model.name, model.model_id, model.base_url, model.provider) == (name, model_id, base_url, provider)
    assert isinstance(model, Model)


def test_keys_come_from_the_caller_the_environment_and_the_file(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve_model("gpt-4o").api_key is None
    (empty_home / ".agentroute").mkdir()
    (empty_home / ".agentroute/config").write_text("api_key=sk-of-the-file\n")
    assert resolve_model("gpt-4o").api_key == "sk-of-the-file"
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-of-openrouter")
    assert resolve_model("gpt-4o").api_key == "sk-of-openrouter"
    monkeypatch.setenv("AGENTROUTE_API_KEY", "sk-of-the-environment")
    assert resolve_model("gpt-4o").api_key == "sk-of-the-environment"
    assert resolve_model("gpt-4o", api_key="sk-given").api_key == "sk-given"
    assert resolve_model("ollama/llama3").api_key == "ollama"


def test_the_config_is_looked_at_each_time(empty_home: Path) -> None:
    (empty_home / ".agentroute").mkdir()
    config = empty_home / ".agentroute/config.yaml"
    config.write_text("models: {fast: ollama/one}\n")
    assert resolve_model("fast").model_id == "one"
    config.write_text("models: {fast: ollama/another}\n")
    assert resolve_model("fast").model_id == "another"


def test_a_config_that_is_broken_is_told_and_what_was_good_holds(
    empty_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (empty_home / ".agentroute").mkdir()
    config = empty_home / ".agentroute/config.yaml"
    config.write_text("models: {fast: ollama/one}\n")
    assert resolve_model("fast").model_id == "one"
    config.write_text("modells: {}\n")
    assert resolve_model("fast").model_id == "one"
    assert "modells" in caplog.text


def test_a_key_is_not_in_the_representation() -> None:
    assert "sk-secret" not in repr(resolve_model("gpt-4o", api_key="sk-secret"))


def test_a_string_that_leads_nowhere_is_an_error_of_its_kind() -> None:
    with pytest.raises(ErrorAgent) as caught:
        resolve_model(" ")
    assert (caught.value.kind, caught.value.hint) == ("modelUnresolved", "name a model, such as `ollama/llama3`")


async def test_a_model_answers() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "cost": 0.25}
    async with Upstream([Reply.text("Hel", "lo", usage=usage)]) as upstream:
        response = await resolve_model(f"{upstream.url}/m", api_key="sk-1").complete(request())
    assert (response.content, response.tool_calls, response.model) == ("Hello", [], "test-model")
    assert response.usage == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "cost": 0.25}
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-1"


async def test_what_a_request_says_is_sent() -> None:
    schema = {"name": "place", "schema": {"type": "object"}}
    extra = {"top_p": 0.5, "stop": ["."], "tool_choice": "required"}
    async with Upstream([Reply.tool_call("add", {"a": 1})]) as upstream:
        model = resolve_model(f"{upstream.url}/m")
        asked = LLMRequest("other", [Message("user", "Hi")], [TOOL], temperature=0.25, max_tokens=9, extra=extra)
        response = await model.complete(asked)
        await model.complete(request(extra={"response_format": {"type": "json_schema", "json_schema": schema}}))
        await model.complete(request(tools=[TOOL], extra={"tool_choice": "none"}))
    first, second, third = (received.body for received in upstream.requests)
    assert response.tool_calls[0]["function"] == {"name": "add", "arguments": '{"a": 1}'}
    assert (first["model"], first["tools"], first["tool_choice"]) == ("other", [TOOL], "required")
    assert (first["temperature"], first["max_tokens"], first["top_p"], first["stop"]) == (0.25, 9, 0.5, ["."])
    assert second["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "tools" not in third


async def test_what_no_model_is_told_is_refused() -> None:
    with pytest.raises(ValueError, match="logit_bias"):
        await resolve_model("ollama/m").complete(request(extra={"logit_bias": {}}))


async def test_a_reply_can_be_read_as_it_comes() -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("Hel", gate, "lo"), Reply.tool_call("add", {"a": 1}, "c1")]) as upstream:
        model = resolve_model(f"{upstream.url}/m")
        deltas = []
        async for chunk in model.complete_stream(request()):
            deltas.append(chunk.delta)
            gate.set()
        calls = [chunk async for chunk in model.complete_stream(request())]
    assert deltas == ["Hel", "lo", None]
    assert calls[0].tool_call_delta == {"id": "c1", "type": "function", "function": {"name": "add"}}
    assert calls[1].tool_call_delta == {"id": "c1", "function": {"arguments": '{"a": 1}'}}
    assert calls[-1] == LLMChunk(done=True, usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})


async def test_whoever_stops_reading_closes_the_connection() -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream:
        reading = resolve_model(f"{upstream.url}/m").complete_stream(request())
        assert (await anext(reading)).delta == "Hello"
        await reading.aclose()
        await upstream.requests[0].closed_early.wait()


async def test_whoever_stops_waiting_closes_the_connection() -> None:
    async with Upstream([Reply.silence()]) as upstream:
        waiting = asyncio.create_task(resolve_model(f"{upstream.url}/m").complete(request()))
        received = await upstream.received()
        waiting.cancel()
        await received.closed_early.wait()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_refusal_is_an_error_of_its_kind(is_streamed: bool) -> None:
    async with Upstream([Reply.status(429, headers={"retry-after": "0"})]) as upstream:
        model = resolve_model(f"{upstream.url}/m")
        with pytest.raises(ErrorAgent) as caught:
            await (anext(model.complete_stream(request())) if is_streamed else model.complete(request()))
    assert (caught.value.kind, caught.value.retryable) == ("rateLimited", True)


async def test_one_model_serves_many_threads_and_loops_over_one_connection() -> None:
    async with Upstream() as upstream:
        model = resolve_model(f"{upstream.url}/m")

        def ask() -> str | None:
            return asyncio.run(model.complete(request())).content

        assert [await asyncio.to_thread(ask) for _ in range(3)] == ["Hello world"] * 3
        await model.close()
        assert (await model.complete(request())).content == "Hello world"
    assert upstream.connections == 1
    assert [thread.name for thread in threading.enumerate()].count("agentrouted") == 1
