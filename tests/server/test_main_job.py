"""The main job on a real model: nothing is scripted here."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from harness.peer import TIME_LIMIT, Peer, frame, initialized, notification, request

pytestmark = pytest.mark.model

PROMPT = "Count from one to a thousand, one number a line."
TEMPERATURE = {
    "name": "temperature",
    "description": "The temperature in a city, in °C.",
    "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def params(model: Path, **more: Any) -> dict[str, Any]:
    return {"model": f"local/{model}", "prompt": "Say hello.", "maxTokens": 8, **more}


async def engine_processes(peer: Peer) -> list[int]:
    """The children of the daemon that run a model."""
    pid = (await peer.call("daemon/status"))["pid"]
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def ended(pid: int) -> None:
    async with asyncio.timeout(TIME_LIMIT):
        while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            await asyncio.sleep(0.01)


async def test_a_model_runs_with_nothing_else_installed(demo_model: Path, tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        route = await peer.call("resolveModel", {"model": f"local/{demo_model}"})
        assert (route["provider"], route["local"]) == ("local", True)
        result = await peer.call("runAgent", params(demo_model))
        deltas = [m["params"]["text"] for m in peer.seen if m.get("params", {}).get("kind") == "textDelta"]
        assert "".join(deltas) == result["text"] != ""
        assert result["usage"]["inputTokens"] > 0 and result["usage"]["outputTokens"] <= 8
        assert (result["usage"]["totalCostUsd"], result["usage"]["costSource"]) == (0.0, "local")
        assert (await peer.call("daemon/status"))["embeddedModels"] == [str(demo_model)]


async def test_two_runs_share_one_engine_and_it_ends_with_the_daemon(demo_model: Path, tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(demo_model)) + request(2, "runAgent", params(demo_model)))
        await peer.until("run/event", kind="agentEnd")
        await peer.until("run/event", kind="agentEnd")
        (engine,) = await engine_processes(peer)
        peer.send(request(9, "shutdown") + notification("exit"))
        assert await peer.exit_code() == 0
        await ended(engine)


async def test_a_crashed_engine_is_started_again(demo_model: Path, tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        await peer.call("runAgent", params(demo_model))
        (engine,) = await engine_processes(peer)
        os.kill(engine, signal.SIGKILL)
        await ended(engine)
        assert (await peer.call("runAgent", params(demo_model)))["text"]


async def test_the_engine_ends_when_the_daemon_is_killed(demo_model: Path, tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        await peer.call("runAgent", params(demo_model))
        (engine,) = await engine_processes(peer)
        peer.process.kill()
        await peer.exit_code()
        await ended(engine)


async def test_a_cancelled_run_stops_the_model(demo_model: Path, tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(demo_model, prompt=PROMPT, maxTokens=2000)))
        await peer.until("run/event", kind="textDelta")
        peer.send(notification("$/cancelRequest", {"id": 1}))
        result = (await peer.answer(1))["result"]
        assert (result["stopReason"], result["usage"]["estimated"]) == ("cancelled", True)
        assert result["text"] and (await peer.call("runAgent", params(demo_model)))["text"]


async def test_a_model_calls_the_clients_tool_and_tells_what_it_said(demo_model: Path, tmp_path: Path) -> None:
    models = tmp_path / ".agentroute/models"
    models.mkdir(parents=True)
    (models / "smollm2-135m.gguf").symlink_to(demo_model)
    job = {"model": "local/smollm2-135m", "prompt": "How warm is it in Rome?", "sampling": {"temperature": 0}}
    async with initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", {**job, "tools": [TEMPERATURE], "maxTokens": 60}))
        call = await peer.until("tool/call")
        assert (call["params"]["name"], call["params"]["arguments"]) == ("temperature", {"city": "Rome"})
        peer.send(frame({"jsonrpc": "2.0", "id": call["id"], "result": {"content": "37.4 °C"}}))
        ended = (await peer.until("run/event", kind="toolCallEnd"))["params"]
        assert (ended["callId"], ended["content"], ended["isError"]) == (call["params"]["callId"], "37.4 °C", False)
        result = (await peer.answer(1))["result"]
        assert "37.4" in result["text"] and result["stopReason"] == "end_turn"
        assert (result["usage"]["modelCalls"], result["usage"]["toolCalls"]) == (2, 1)
        assert [message["role"] for message in result["messages"]] == ["user", "assistant", "tool", "assistant"]


async def test_a_model_answers_as_the_schema_says(demo_model: Path, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "size": {"enum": ["small", "large"]}},
        "required": ["name", "size"],
        "additionalProperties": False,
    }
    async with initialized(tmp_path) as peer:
        asked = {"output": schema, "prompt": "Name a city.", "maxTokens": 100, "sampling": {"temperature": 0}}
        result = await peer.call("runAgent", params(demo_model, **asked))
        assert set(result["output"]) == {"name", "size"} and result["output"]["size"] in ("small", "large")
        assert isinstance(result["output"]["name"], str) and result["stopReason"] == "end_turn"


async def test_tools_are_refused_where_the_chat_template_has_no_place_for_them(
    demo_model: Path, tmp_path: Path
) -> None:
    async with initialized(tmp_path, tools=True) as peer:
        error = await peer.call("runAgent", params(demo_model, tools=[TEMPERATURE]))
        assert error["code"] == -32602 and "cannot call tools" in error["message"]


async def test_a_model_that_is_not_here_is_said_with_the_mend(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        error = await peer.call("runAgent", {"model": "local/smollm2-135m", "prompt": "Hi"})
        assert error["data"]["kind"] == "modelMissing"
        assert "agentrouted models pull smollm2-135m" in error["data"]["hint"]


async def test_models_that_could_be_pulled_are_listed(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        listed = await peer.call("model/list", {"provider": "local"})
        (entry,) = listed["models"]
        assert (entry["model"], entry["state"]) == ("local/smollm2-135m", "notPulled")
        assert "demo" in entry["description"]
