"""Runs over the wire: real frames, a real HTTP upstream."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.peer import TIME_LIMIT, Peer, errors, frame, initialized, notification, request

from agentrouted.testing.upstream import Received, Reply, Upstream

ADD = {
    "name": "add",
    "description": "Adds two numbers.",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
}


def params(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"model": f"{upstream.url}/test-model", "prompt": "Hi", **more}


def events(peer: Peer) -> list[dict[str, Any]]:
    return [message["params"] for message in peer.seen if message.get("method") == "run/event"]


async def answer_tool(peer: Peer, **answer: Any) -> dict[str, Any]:
    """Wait for a question of the daemon and answer it; its params."""
    while True:
        message = await peer.read()
        if "method" in message and "id" in message:
            peer.send(frame({"jsonrpc": "2.0", "id": message["id"], **answer}))
            return dict(message["params"])


async def closed_early(upstream: Upstream) -> Received:
    async with asyncio.timeout(TIME_LIMIT):
        received = await upstream.received()
        await received.closed_early.wait()
    return received


async def test_a_run_streams_and_answers_with_the_whole(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("Hello", gate, " world")]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(upstream, runId="r1")))
        assert (await peer.until("run/event", kind="textDelta"))["params"]["text"] == "Hello"
        gate.set()
        result = (await peer.answer(1))["result"]
        assert (result["text"], result["stopReason"], result["runId"]) == ("Hello world", "end_turn", "r1")
        assert result["usage"]["inputTokens"] == 10 and result["usage"]["totalCostUsd"] == 0.0
        assert [message["role"] for message in result["messages"]] == ["user", "assistant"]
        assert [event["seq"] for event in events(peer)] == list(range(1, result["lastSeq"] + 1))
        assert [events(peer)[0]["kind"], events(peer)[-1]["kind"]] == ["agentStart", "agentEnd"]


async def test_without_stream_there_are_whole_steps_only(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        result = await peer.call("runAgent", params(upstream, stream=False))
        assert [event["kind"] for event in events(peer)] == ["agentStart", "modelCallStart", "modelCallEnd", "agentEnd"]
        assert result["lastSeq"] == 4


async def test_the_model_calls_the_clients_own_tool(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"a": 1, "b": 2}), Reply.text("It is 3.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        call = await answer_tool(peer, result={"content": "3"})
        assert (call["name"], call["arguments"]) == ("add", {"a": 1, "b": 2})
        result = (await peer.answer(1))["result"]
        assert result["text"] == "It is 3."
        assert [message["role"] for message in result["messages"]] == ["user", "assistant", "tool", "assistant"]
        assert (result["usage"]["modelCalls"], result["usage"]["toolCalls"]) == (2, 1)
        assert upstream.requests[1].body["messages"][-1]["content"] == "3"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"result": {"content": "no such file", "isError": True}}, "no such file"),
        ({"error": {"code": 1, "message": "the tool broke"}}, "Error: tool/call: the tool broke"),
        ({"error": {"code": 2**31, "message": "it broke"}}, "Error: tool/call: it broke"),
        ({"error": "odd"}, "Error: tool/call: it answered with an error"),
        ({"result": None}, "Error: tool/call: the client's answer is not a ToolCallResult"),
        ({"result": {"contents": "3"}}, "Error: tool/call: the client's answer is not a ToolCallResult"),
    ],
)
async def test_a_tools_failure_is_told_to_the_model(answer: dict[str, Any], told: str, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Sorry.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        await answer_tool(peer, **answer)
        assert (await peer.answer(1))["result"]["text"] == "Sorry."
        assert upstream.requests[1].body["messages"][-1]["content"] == told


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","id":%d}',
        b'{"jsonrpc":"2.0","id":%d,"result":{"content":"\\ud83d"}}',
        b'{"id":%d,"jsonrpc":"2.0","result":{"content":NaN}}',
        b'{"jsonrpc": "2.0", "id": %d, "result": {"content": "cut',
        b'{"jsonrpc":"2.0","id":%d,"result":' + b"[" * 300 + b"]" * 300 + b"}",
    ],
    ids=["neither result nor error", "half a surrogate pair", "NaN", "cut", "deep"],
)
async def test_a_question_whose_answer_cannot_be_read_is_over_at_once(answer: bytes, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Sorry.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        peer.send(frame(answer % (await peer.until("tool/call"))["id"]))
        result = (await peer.answer(1))["result"]
        assert result["text"] == "Sorry."
        assert result["messages"][2]["content"].startswith("Error: tool/call: its answer cannot be read: ")
        assert [id_ for id_, _ in errors(peer.seen)] == [None]


async def test_a_tool_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Too slow.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[{**ADD, "timeout": 0.05}])))
        await peer.until("$/cancelRequest")
        assert (await peer.answer(1))["result"]["text"] == "Too slow."
        assert "TimeoutError" in upstream.requests[1].body["messages"][-1]["content"]


async def test_a_tool_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    script = [Reply.tool_call("subtract", {}), Reply.text("Oh.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        await peer.call("runAgent", params(upstream, tools=[ADD]))
        assert upstream.requests[1].body["messages"][-1]["content"] == (
            "Error: unknown tool 'subtract'. Available: ['add']"
        )


async def test_once_tools_run_alone_and_the_others_together(tmp_path: Path) -> None:
    names = {"a": "add", "b": "add", "c": "pay", "d": "add"}
    tools = [ADD, {**ADD, "name": "pay", "effect": "once"}]
    script = [Reply.tool_calls({call_id: (name, {}) for call_id, name in names.items()}), Reply.text("Done.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=tools)))
        order = []
        for group in (2, 1, 1):
            waiting = [await peer.until("tool/call") for _ in range(group)]
            order.append([message["params"]["callId"] for message in waiting])
            for message in reversed(waiting):
                content = message["params"]["callId"]
                peer.send(frame({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content}}))
        result = (await peer.answer(1))["result"]
        assert order == [["a", "b"], ["c"], ["d"]]
        assert [message["content"] for message in result["messages"] if message["role"] == "tool"] == list("abcd")


@pytest.mark.parametrize(
    ("decision", "told"),
    [("allow_once", "3"), ("reject_once", "Error: add was not approved"), (None, "Error: it was not")],
)
async def test_a_tool_that_needs_approval_is_asked_about(decision: str | None, told: str, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {}), Reply.text("Done.")]
    async with Upstream(script) as upstream, initialized(tmp_path, tools=True, approvals=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[{**ADD, "needsApproval": True}])))
        await answer_tool(peer, result={"decision": decision} if decision else None)
        if decision == "allow_once":
            await answer_tool(peer, result={"content": "3"})
        await peer.answer(1)
        assert upstream.requests[1].body["messages"][-1]["content"].startswith(told)


async def test_tools_are_refused_to_a_client_that_has_not_offered_them(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        error = await peer.call("runAgent", params(upstream, tools=[ADD]))
        assert error["code"] == -32602 and "tools: true" in error["data"]["hint"]
        assert upstream.requests == []


@pytest.mark.parametrize("how", ["$/cancelRequest", "run/cancel", "window/workDoneProgress/cancel"])
@pytest.mark.parametrize("when", ["before the first byte", "in mid-stream"])
async def test_a_cancelled_run_answers_with_its_bill(how: str, when: str, tmp_path: Path) -> None:
    reply = Reply.silence() if when == "before the first byte" else Reply.text("Well", asyncio.Event())
    async with Upstream([reply]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(upstream, runId="r", workDoneToken="w")))
        if when == "in mid-stream":
            await peer.until("run/event", kind="textDelta")
        else:
            await upstream.received()
        ways = {
            "$/cancelRequest": notification("$/cancelRequest", {"id": 1}),
            "run/cancel": request(2, "run/cancel", {"runId": "r"}),
            "window/workDoneProgress/cancel": notification("window/workDoneProgress/cancel", {"token": "w"}),
        }
        peer.send(ways[how])
        result = (await peer.answer(1))["result"]
        assert (result["stopReason"], result["interrupted"]) == ("cancelled", True)
        assert result["text"] == ("Well" if when == "in mid-stream" else "")
        assert result["usage"]["modelCalls"] == 1 and result["usage"]["estimated"]
        await asyncio.wait_for(upstream.requests[0].closed_early.wait(), TIME_LIMIT)
        assert await peer.call("run/cancel", {"runId": "r"}) == {"runId": "r", "cancelled": False}


@pytest.mark.parametrize("how", ["$/cancelRequest", "run/cancel"])
async def test_a_run_cancelled_at_once_answers_too(how: str, tmp_path: Path) -> None:
    way = notification(how, {"id": 1}) if how == "$/cancelRequest" else request(2, how, {"runId": "r"})
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(upstream, runId="r")) + way)
        assert (await peer.answer(1))["result"]["stopReason"] == "cancelled"


async def test_a_run_whose_client_leaves_at_once_does_not_go_on(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(upstream)) + notification("exit"))
        assert b'"stopReason":"cancelled"' in await peer.end()


async def test_a_run_cancelled_in_a_tool_leaves_every_call_answered(tmp_path: Path) -> None:
    async with Upstream([Reply.tool_call("add", {})]) as upstream, initialized(tmp_path, tools=True) as peer:
        peer.send(request(1, "runAgent", params(upstream, tools=[ADD])))
        await peer.until("tool/call")
        peer.send(notification("$/cancelRequest", {"id": 1}))
        result = (await peer.answer(1))["result"]
        assert result["stopReason"] == "cancelled"
        assert [message["role"] for message in result["messages"]] == ["user", "assistant", "tool"]


async def test_a_client_that_leaves_ends_its_run(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Well", asyncio.Event())]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(upstream)))
        await peer.until("run/event", kind="textDelta")
        peer.writer.close()
        await closed_early(upstream)
        assert await peer.exit_code() == 1


async def test_a_run_that_takes_all_its_turns_is_an_error_with_its_bill(tmp_path: Path) -> None:
    async with Upstream([Reply.tool_call("nothing", {})]) as upstream, initialized(tmp_path) as peer:
        error = await peer.call("runAgent", params(upstream, maxTurns=2, runId="r"))
        assert error["code"] == -31012
        assert error["data"]["details"] == {"turn": 3, "limit": 2}
        assert error["data"]["runId"] == "r" and error["data"]["usage"]["modelCalls"] == 2
        assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply.status(401, headers={"x-request-id": "sk-very-secret-key"}), "providerAuth"),
        (Reply.status(404, {"error": {"message": "model 'test-model' not found"}}), "modelMissing"),
        (Reply.status(429, headers={"retry-after": "70"}), "rateLimited"),
        (Reply.status(500), "providerError"),
        (Reply.raw(b'data: {"choices":[{"index":0,"delta":{"content":"We"}}]}\n\n'), "responseTruncated"),
        (Reply.text(), "responseInvalid"),
    ],
)
async def test_a_providers_fault_is_a_typed_error(reply: Reply, kind: str, tmp_path: Path) -> None:
    async with Upstream([reply]) as upstream, initialized(tmp_path) as peer:
        error = await peer.call("runAgent", params(upstream, apiKey="sk-very-secret-key"))
        assert error["data"]["kind"] == kind
        assert error["data"].get("retryAfter") == (70 if kind == "rateLimited" else None)
        assert "sk-very-secret-key" not in str(error)


async def test_nobody_at_the_address_is_said_with_the_mend(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        error = await peer.call("runAgent", {"model": "ollama/llama3", "prompt": "Hi", "baseUrl": "http://127.0.0.1:9"})
        assert error["data"]["kind"] == "providerUnreachable"
        assert "127.0.0.1:9" in error["message"] and error["data"]["hint"]


async def test_a_run_that_takes_too_long_ends(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Warm"), Reply.silence()]) as upstream, initialized(tmp_path) as peer:
        await peer.call("runAgent", params(upstream))
        error = await peer.call("runAgent", params(upstream, timeout=0.2))
        assert error["data"]["kind"] == "providerTimeout"
        await asyncio.wait_for(upstream.requests[1].closed_early.wait(), TIME_LIMIT)


async def test_a_silent_model_is_given_up_after_the_idle_timeout(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Well", asyncio.Event())]) as upstream, initialized(tmp_path) as peer:
        error = await peer.call("runAgent", params(upstream, idleTimeout=0.05))
        assert error["data"]["kind"] == "providerTimeout"
        assert error["data"]["messages"][-1]["content"] == "Well"


async def test_who_ended_a_silence_is_who_is_named_for_a_longer_one(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream:
        provider = f"{{api_base: '{upstream.url}', timeouts: {{first_byte: 0.05}}, retries: 0}}"
        write_config(tmp_path, f"providers: {{p: {provider}}}\n")
        async with initialized(tmp_path) as peer:
            of_the_provider = await peer.call("runAgent", {"model": "p/x", "prompt": "Hi"})
            of_the_run = await peer.call("runAgent", {"model": "p/x", "prompt": "Hi", "idleTimeout": 0.04})
    assert "`timeouts.first_byte` of the provider p" in of_the_provider["data"]["hint"]
    assert "`idleTimeout` of the run" in of_the_run["data"]["hint"]


async def test_what_is_asked_for_reaches_the_model(tmp_path: Path) -> None:
    sampling = {"temperature": 0.5, "topP": 0.9, "seed": 7, "stop": ["END"]}
    history = [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}]
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        more = params(upstream, instructions="Be brief.", messages=history, sampling=sampling, maxTokens=9)
        result = await peer.call("runAgent", more)
        body = upstream.requests[0].body
        assert [message["content"] for message in body["messages"]] == ["Be brief.", "One", "Two", "Hi"]
        assert (body["temperature"], body["top_p"], body["seed"], body["stop"]) == (0.5, 0.9, 7, ["END"])
        assert body["stream"] is True and 9 in (body.get("max_tokens"), body.get("max_completion_tokens"))
        assert [message["content"] for message in result["messages"]] == ["Hi", "Hello world"]


async def test_the_same_run_id_is_the_same_run(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        first = await peer.call("runAgent", params(upstream, runId="r"))
        assert await peer.call("runAgent", params(upstream, runId="r")) == first
        assert len(upstream.requests) == 1
        other = await peer.call("runAgent", {**params(upstream, runId="r"), "prompt": "Other"})
        assert other["data"]["kind"] == "conflict"


async def test_who_joins_a_run_by_its_id_does_not_end_it_by_leaving(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("Hello").held(gate)]) as upstream, initialized(tmp_path) as peer:
        peer.send(
            request(1, "runAgent", params(upstream, runId="r")) + request(2, "runAgent", params(upstream, runId="r"))
        )
        await upstream.received()
        peer.send(notification("$/cancelRequest", {"id": 2}))
        assert (await peer.answer(2))["error"]["code"] == -32800
        gate.set()
        assert (await peer.answer(1))["result"]["text"] == "Hello"


async def test_cancelling_twice_is_cancelling_once(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", params(upstream)))
        await upstream.received()
        peer.send(notification("$/cancelRequest", {"id": 1}) * 3)
        assert (await peer.answer(1))["result"]["stopReason"] == "cancelled"


async def test_events_come_as_partial_results_where_asked(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path) as peer:
        await peer.call("runAgent", params(upstream, partialResultToken="p", workDoneToken="w"))
        progress = [message["params"] for message in peer.seen if message.get("method") == "$/progress"]
        words = [each["value"]["kind"] for each in progress if each["token"] == "w"]
        kinds = [each["value"]["kind"] for each in progress if each["token"] == "p"]
        assert events(peer) == []
        assert words == ["begin", "report", "end"]
        assert kinds[0] == "agentStart" and "textDelta" in kinds and kinds[-1] == "agentEnd"


async def test_a_client_may_opt_out_of_events(tmp_path: Path) -> None:
    async with Upstream() as upstream, initialized(tmp_path, optOut=["run/event"]) as peer:
        assert (await peer.call("runAgent", params(upstream)))["text"] == "Hello world"
        assert events(peer) == []


def write_config(home: Path, text: str) -> None:
    (home / ".agentroute").mkdir()
    (home / ".agentroute" / "config.yaml").write_text(text)


async def test_an_agent_of_the_config_runs_by_its_name(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        agent = f"{{model: '{upstream.url}/m', instructions: Help., max_turns: 3, sampling: {{temperature: 0.5}}}}"
        write_config(tmp_path, f"agents: {{helper: {agent}}}\n")
        async with initialized(tmp_path) as peer:
            assert (await peer.call("agent/list"))["agents"][0]["maxTurns"] == 3
            await peer.call("runAgent", {"agent": "helper", "prompt": "Hi", "sampling": {"seed": 7}})
            body = upstream.requests[0].body
            assert body["messages"][0] == {"role": "system", "content": "Help."}
            assert (body["temperature"], body["seed"]) == (0.5, 7)


@pytest.mark.parametrize("run_id", ["r", "r" * 128])
async def test_the_run_of_an_agent_that_another_calls_has_an_id_of_its_own(run_id: str, tmp_path: Path) -> None:
    calls = {"c1": ("helper", {"prompt": "One"}), "c2": ("helper", {"prompt": "Two"})}
    async with (
        Upstream([Reply.tool_calls(calls), Reply.text("Done.")]) as upstream,
        Upstream([lambda asked: Reply.text(asked.body["messages"][-1]["content"])]) as helping,
    ):
        write_config(tmp_path, f"agents: {{helper: {{model: '{helping.url}/m'}}}}\n")
        async with initialized(tmp_path) as peer:
            result = await peer.call("runAgent", params(upstream, runId=run_id, agents=["helper"]))
            told = [message["content"] for message in result["messages"] if message["role"] == "tool"]
            assert (result["text"], told) == ("Done.", ["One", "Two"])
            runs = (await peer.call("run/list"))["runs"]
            assert len({run["runId"] for run in runs}) == 3


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("_return_structured_output", {"output": {"type": "object"}, "outputMode": "tool"}),
        ("_return_structured_output", {"output": {"type": "object"}, "outputMode": "native"}),
        ("read_result", {}),
        ("remember", {"memory": {"scope": {"user": "ada"}, "remember": "tool"}}),
        ("recall", {"memory": {"scope": {"user": "ada"}, "recall": "tool"}}),
    ],
)
async def test_a_tool_with_the_name_of_our_own_is_refused(name: str, more: dict[str, Any], tmp_path: Path) -> None:
    tool = {"name": name, "inputSchema": {"type": "object"}}
    async with Upstream() as upstream, initialized(tmp_path, tools=True) as peer:
        answer = await peer.call("runAgent", params(upstream, tools=[tool], **more))
        assert answer["data"]["kind"] == "invalidParams" and upstream.requests == []
        assert f"`{name}`" in answer["message"] and "name yours otherwise" in answer["data"]["hint"]


async def test_a_chain_goes_on_before_any_text_was_seen(tmp_path: Path) -> None:
    async with Upstream([Reply.status(503)]) as first, Upstream() as second:
        write_config(tmp_path, f"models: {{fast: ['{first.url}/one', '{second.url}/two']}}\n")
        async with initialized(tmp_path) as peer:
            result = await peer.call("runAgent", {"model": "fast", "prompt": "Hi"})
            assert result["text"] == "Hello world" and result["route"]["modelId"] == "two"
            assert "fallback" in [event["kind"] for event in events(peer)]


async def test_a_chain_does_not_go_on_after_text_was_seen(tmp_path: Path) -> None:
    cut = Reply.text("Some text", "and more").cut(after=200)
    async with Upstream([cut]) as first, Upstream() as second:
        write_config(tmp_path, f"models: {{fast: ['{first.url}/one', '{second.url}/two']}}\n")
        async with initialized(tmp_path) as peer:
            error = await peer.call("runAgent", {"model": "fast", "prompt": "Hi"})
            assert error["data"]["usage"]["estimated"] and second.requests == []


@pytest.mark.parametrize("asked", [True, False])
async def test_a_missing_model_is_passed_over_only_where_the_chain_says_so(asked: bool, tmp_path: Path) -> None:
    missing = Reply.status(404, {"error": {"message": "model 'one' not found"}})
    async with Upstream([missing]) as first, Upstream() as second:
        endpoints = f"endpoints: ['{first.url}/one', '{second.url}/two']"
        more = ", fallback_on: [model_missing]" if asked else ""
        write_config(tmp_path, f"models: {{fast: {{{endpoints}{more}}}}}\n")
        async with initialized(tmp_path) as peer:
            answer = await peer.call("runAgent", {"model": "fast", "prompt": "Hi"})
            assert answer.get("text") == ("Hello world" if asked else None)


async def test_an_unknown_agent_is_not_found(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        assert (await peer.call("runAgent", {"agent": "nobody", "prompt": "Hi"}))["data"]["kind"] == "notFound"
