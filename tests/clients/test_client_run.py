"""Runs, their events and their end; of a scripted process."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from harness.scripted_daemon import scripted

from agentrouted_client import Client, DaemonGone, RpcError
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult
from agentrouted_protocol.events import AgentEnd, RunEvent, TextDelta

PRELUDE = """
def event(kind, seq, run_id, **fields):
    send(method="run/event", params={"runId": run_id, "seq": seq, "kind": kind, **fields})

def end(request, run_id, **fields):
    answer(request, {"runId": run_id, "text": "ab", "stopReason": "end_turn", "usage": {"outputTokens": 2},
                     "messages": [], "lastSeq": 3, "configGeneration": 1, **fields})

def ask(method, **params):
    send(id="ours", method=method, params=params)
    return read()

run = read()
run_id = run["params"]["runId"]
"""


def running(script: str) -> list[str]:
    return scripted(PRELUDE + script)


async def test_events_come_typed_and_in_order_and_then_the_result() -> None:
    script = """
event("textDelta", 1, run_id, text="a")
event("textDelta", 2, run_id, text="b")
event("agentEnd", 3, run_id, stopReason="end_turn", usage={"outputTokens": 2})
end(run, run_id)
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        events = [event async for event in run]
        result = await run.result
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["a", "b"]
    assert isinstance(events[-1], AgentEnd)
    assert (result.text, result.run_id, result.usage.output_tokens) == ("ab", run.run_id, 2)


async def test_events_of_agents_that_it_calls_come_too_and_do_not_end_it() -> None:
    script = """
event("textDelta", 1, "child", parentRunId=run_id, text="c")
event("textDelta", 1, "grandchild", parentRunId="child", text="g")
event("agentEnd", 2, "child", parentRunId=run_id, stopReason="end_turn", usage={})
event("textDelta", 1, "stranger", parentRunId="strange", text="s")
event("textDelta", 1, run_id, text="a")
end(run, run_id)
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        texts = [(event.run_id, event.text) async for event in run if isinstance(event, TextDelta)]
    assert texts == [("child", "c"), ("grandchild", "g"), (run.run_id, "a")]
    assert run.last_seq == 1


async def test_the_result_comes_without_iterating() -> None:
    async with Client.spawn(running("event('textDelta', 1, run_id, text='a'); end(run, run_id)")) as client:
        assert (await client.run_agent("hello", model="m").result).text == "ab"


async def test_events_that_come_while_only_the_result_is_asked_for_are_dropped() -> None:
    script = """
event("textDelta", 1, run_id, text="a")
answer(read(), None)
go_on = read()
event("textDelta", 2, run_id, text="b")
answer(go_on, None)
end(run, run_id)
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        await client.request("go on")
        result = run.result
        await client.request("go on")
        assert [event.seq async for event in run] == [1]
        assert (await result).text == "ab"


async def test_what_is_given_to_run_agent_is_what_the_daemon_gets() -> None:
    script = "end(run, run_id, output={k: run['params'].get(k) for k in ('prompt', 'model', 'maxTurns', 'tools')})"
    async with Client.spawn(running(script)) as client:
        result = await client.run_agent("hello", model="m", max_turns=3).result
    assert result.output == {"prompt": "hello", "model": "m", "maxTurns": 3, "tools": []}


async def test_events_of_two_runs_at_once_reach_their_own() -> None:
    script = """
other = read(); other_id = other["params"]["runId"]
event("textDelta", 1, other_id, text="other")
event("textDelta", 1, run_id, text="one")
end(other, other_id); end(run, run_id)
"""

    async def texts(events: AsyncIterator[RunEvent]) -> list[str]:
        return [event.text async for event in events if isinstance(event, TextDelta)]

    async with Client.spawn(running(script)) as client:
        runs = client.run_agent("1", model="m"), client.run_agent("2", model="m")
        assert await asyncio.gather(*map(texts, runs)) == [["one"], ["other"]]


async def test_events_and_fields_of_a_newer_daemon_are_passed_over() -> None:
    script = """
event("mindRead", 1, run_id, thought="?")
event("textDelta", 2, run_id, text="a", colour="blue")
end(run, run_id, mood="good")
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        assert [event.seq async for event in run] == [2]
        assert (await run.result).text == "ab"


async def test_a_failed_run_raises_where_it_is_iterated_and_where_it_is_awaited() -> None:
    script = """
data = {"kind": "maxTurns", "details": {"turn": 3, "limit": 3}, "usage": {"outputTokens": 7}}
send(id=run["id"], error={"code": -31012, "message": "too many turns", "data": data})
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        with pytest.raises(RpcError):
            [event async for event in run]
        with pytest.raises(RpcError) as caught:
            await run.result
    assert caught.value.data and caught.value.data.usage
    assert (caught.value.kind, caught.value.data.usage.output_tokens) == ("maxTurns", 7)


async def test_cancel_stops_the_run_and_its_bill_still_comes() -> None:
    script = """
cancel = read()
answer(cancel, {"runId": cancel["params"]["runId"], "cancelled": True})
end(run, run_id, stopReason="cancelled")
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        await run.cancel()
        assert (await run.result).stop_reason == "cancelled"


async def test_cancelling_the_task_that_iterates_cancels_the_run() -> None:
    script = """
event("textDelta", 1, run_id, text="a")
cancel = read()
answer(read(), cancel["method"] == "$/cancelRequest" and cancel["params"]["id"] == run["id"])
"""
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        await anext(run)
        task = asyncio.ensure_future(anext(run))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert await client.request("was it cancelled?") is True


async def test_a_run_whose_daemon_dies_ends_with_an_error() -> None:
    async with Client.spawn(running("event('textDelta', 1, run_id, text='a'); sys.exit(1)")) as client:
        run = client.run_agent("hello", model="m")
        await anext(run)
        with pytest.raises(DaemonGone):
            await anext(run)


async def test_a_client_that_closes_in_mid_run_cancels_it() -> None:
    script = "cancel = read(); sys.exit(0 if cancel['method'] == '$/cancelRequest' else 1)"
    async with Client.spawn(running(script)) as client:
        run = client.run_agent("hello", model="m")
        await asyncio.sleep(0)
    assert run.result.cancelled()


async def test_an_approval_is_asked_of_the_function_that_was_given() -> None:
    asked = {"callId": "c", "name": "rm", "arguments": {}, "reason": "once", "options": ["allow_once", "reject_once"]}
    script = f"end(run, run_id, output=ask('tool/approve', runId=run_id, **{asked})['result'])"

    async def approve(params: ToolApproveParams) -> ToolApproveResult:
        return ToolApproveResult(decision="reject_once", message=f"never {params.name}")

    async with Client.spawn(running(script), approve=approve) as client:
        result = await client.run_agent("hello", model="m").result
    assert result.output == {"decision": "reject_once", "message": "never rm"}


async def test_an_approval_that_nobody_answers_is_an_error_for_the_daemon() -> None:
    asked = {"callId": "c", "name": "rm", "arguments": {}, "reason": "once", "options": ["allow_once"]}
    script = f"end(run, run_id, output=ask('tool/approve', runId=run_id, **{asked})['error']['code'])"
    async with Client.spawn(running(script)) as client:
        assert (await client.run_agent("hello", model="m").result).output == -32601
