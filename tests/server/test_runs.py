"""Runs over the wire: real frames, a real HTTP upstream."""

import asyncio
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT, initialized, notification, request
from harness.wire_runs import ADD, closed_early, events, params, write_config

from agentrouted.testing.upstream import Reply, Upstream


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
