"""Runs that go on without their client, and clients that come back to them; of the real daemon."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT, serving
from harness.relay import relayed
from pydantic import BaseModel, field_validator

from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_client import Client, ClientError, DaemonGone, RpcError, Run
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult
from agentrouted_protocol.events import RunEvent, TextDelta, ToolCallEnd


@asynccontextmanager
async def shared(home: Path) -> AsyncIterator[Path]:
    async with asyncio.timeout(TIME_LIMIT), serving(home) as path:
        yield path


@asynccontextmanager
async def alone(home: Path, *script: Reply) -> AsyncIterator[tuple[Client, Upstream]]:
    """The only client of a shared daemon."""
    async with Upstream(script) as upstream, shared(home) as path, Client.connect(path) as client:
        yield client, upstream


def text(events: list[RunEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def until_text(run: Run) -> list[RunEvent]:
    """The events up to the first text."""
    events: list[RunEvent] = []
    async for event in run:
        events.append(event)
        if isinstance(event, TextDelta):
            break
    return events


async def test_a_detached_run_goes_on_without_its_client(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("One", gate, " two")]) as upstream, shared(tmp_path) as path:
        async with Client.connect(path) as client:
            left = client.run_agent("Count.", model=f"{upstream.url}/m", detach=True)
            before = await until_text(left)
        gate.set()
        async with Client.connect(path) as client:
            run = await client.attach(left.run_id, left.last_seq)
            after = [event async for event in run]
            result = await run.result
    assert [event.seq for event in before + after] == list(range(1, result.last_seq + 1))
    assert text(before + after) == result.text == "One two"
    assert not run.gap and len(upstream.requests) == 1


async def test_a_detached_run_gives_its_result_to_who_stays(tmp_path: Path) -> None:
    async with Upstream() as upstream, shared(tmp_path) as path, Client.connect(path) as client:
        run = client.run_agent("Hi", model=f"{upstream.url}/m", detach=True)
        assert (await run.result).text == "Hello world"
        again = client.run_agent("Hi", model=f"{upstream.url}/m", detach=True, run_id=run.run_id)
        assert await again.result == await run.result
    assert len(upstream.requests) == 1


async def test_who_only_waited_for_a_while_has_not_ended_it(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with alone(tmp_path, Reply.text("One").held(gate)) as (client, upstream):
        run = client.run_agent("Count.", model=f"{upstream.url}/m", detach=True)
        await upstream.received()
        for waiting in (asyncio.ensure_future(run.result), asyncio.ensure_future(until_text(run))):
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        gate.set()
        assert (await run.result).text == "One"


async def test_a_lost_connection_loses_no_event(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with Upstream([Reply.text("One", gate, " two")]) as upstream, shared(tmp_path) as path:
        async with relayed(tmp_path / "relay.sock", path) as cut, Client.connect(tmp_path / "relay.sock") as client:
            lost = client.run_agent("Count.", model=f"{upstream.url}/m", detach=True)
            before = await until_text(lost)
            cut()
            with pytest.raises(DaemonGone):
                await anext(lost)
            with pytest.raises(DaemonGone):
                await lost.result
        async with Client.connect(path) as client:
            run = await client.attach(lost.run_id, lost.last_seq)
            gate.set()
            after = [event async for event in run]
            result = await run.result
    assert [event.seq for event in before + after] == list(range(1, result.last_seq + 1))
    assert text(before + after) == result.text == "One two"


async def test_a_run_whose_daemon_was_killed_is_resumed_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    held = asyncio.Event()

    def reply(request: Received) -> Reply:
        if request.body["messages"][-1]["role"] == "user":
            return Reply.tool_call("look", {})
        return Reply.text("Pa", asyncio.Event()) if not held.is_set() else Reply.text("Pay", "ed.")

    calls = []

    def look() -> str:
        calls.append("look")
        return "seen"

    async with Upstream([reply]) as upstream:
        async with shared(tmp_path) as path, Client.connect(path) as client:
            killed = client.run_agent("Look.", model=f"{upstream.url}/m", tools=[look], detach=True)
            await until_text(killed)
            held.set()
            os.kill((await client.request("daemon/status")).pid, signal.SIGKILL)
            with pytest.raises(DaemonGone):
                await killed.result
        async with serving(tmp_path, tmp_path / "v2.sock") as path, Client.connect(path) as client:
            found = await client.attach(killed.run_id, killed.last_seq)
            with pytest.raises(ClientError, match="interrupted"):
                await found.result
            run = await client.resume(killed.run_id)
            after = [event async for event in run]
            result = await run.result
            replayed = [event async for event in await client.attach(killed.run_id)]
    # What was said of the call that the end cut off is not kept: it is made, and told of, again.
    assert found.gap == (after[0].seq <= killed.last_seq)
    assert [event.seq for event in replayed] == list(range(1, result.last_seq + 1))
    assert replayed[-len(after) :] == after
    assert text(after) == result.text == "Payed." and calls == ["look"]
    assert [event.name for event in replayed if isinstance(event, ToolCallEnd)] == ["look"]


async def test_a_daemon_that_is_stopped_leaves_a_run_without_an_end(tmp_path: Path) -> None:
    async with Upstream([Reply.text("One", asyncio.Event()), Reply.text("One two")]) as upstream:
        async with shared(tmp_path) as path, Client.connect(path) as client:
            left = client.run_agent("Count.", model=f"{upstream.url}/m", detach=True)
            await until_text(left)
            os.kill((await client.request("daemon/status")).pid, signal.SIGTERM)
            with pytest.raises(DaemonGone):
                await anext(left)
        async with serving(tmp_path, tmp_path / "v2.sock") as path, Client.connect(path) as client:
            assert (await (await client.resume(left.run_id)).result).text == "One two"


async def test_a_question_that_nobody_has_answered_is_asked_of_who_attaches(tmp_path: Path) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()
    done = []

    async def stay_silent(params: ToolApproveParams) -> ToolApproveResult:
        await asked.put(params.name)
        await asyncio.Event().wait()
        raise AssertionError

    async def allow(params: ToolApproveParams) -> ToolApproveResult:
        return ToolApproveResult(decision="allow_once")

    def pay() -> str:
        done.append("pay")
        return "paid"

    async with Upstream([Reply.tool_call("pay", {}), Reply.text("Paid.")]) as upstream, shared(tmp_path) as path:
        async with Client.connect(path, approve=stay_silent) as client:
            client.tool(needs_approval=True)(pay)
            left = client.run_agent("Pay.", model=f"{upstream.url}/m", detach=True)
            assert await asked.get() == "pay"
            assert (await client.runs(status="waiting"))[0].run_id == left.run_id
        async with Client.connect(path, approve=allow) as client:
            client.tool(pay)
            run = await client.attach(left.run_id)
            assert (await run.result).text == "Paid."
    assert done == ["pay"]


async def test_a_fork_goes_on_from_where_the_other_run_was(tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.text("First."), Reply.text("Other.")) as (client, upstream):
        first = await client.run_agent("Hi", model=f"{upstream.url}/m").result
        fork = await client.fork(first.run_id, first.last_seq, prompt="And else?")
        events = [event async for event in fork]
        assert [event.seq for event in events] == list(range(1, (await fork.result).last_seq + 1))
        assert text(events) == "Other." and (await client.run(fork.run_id)).parent_run_id == first.run_id
        assert [run.run_id for run in await client.runs()] == [fork.run_id, first.run_id]
    assert [message["content"] for message in upstream.requests[1].body["messages"]] == ["Hi", "First.", "And else?"]


async def test_a_run_is_steered_while_it_goes_on(tmp_path: Path) -> None:
    gate = asyncio.Event()
    script = [Reply.text("One").held(gate), Reply.text("Two")]
    async with Upstream(script) as upstream, shared(tmp_path) as path, Client.connect(path) as client:
        run = client.run_agent("Hi", model=f"{upstream.url}/m")
        await upstream.received()
        await run.steer("Go on.")
        gate.set()
        assert (await run.result).text == "Two"
        assert upstream.requests[1].body["messages"][-1]["content"] == "Go on."
        with pytest.raises(RpcError) as caught:
            await run.steer("Too late.")
    assert caught.value.kind == "conflict"


async def test_a_detached_run_is_cancelled_when_it_is_said_so(tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.silence()) as (client, upstream):
        run = client.run_agent("Hi", model=f"{upstream.url}/m", detach=True)
        await upstream.received()
        await run.cancel()
        assert (await run.result).stop_reason == "cancelled"


@pytest.mark.parametrize("detach", [False, True])
async def test_a_run_that_failed_raises_its_error_wherever_it_is_followed(detach: bool, tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.status(401)) as (client, upstream):
        run = client.run_agent("Hi", model=f"{upstream.url}/m", detach=detach)
        with pytest.raises(RpcError) as first:
            await run.result
        attached = await client.attach(run.run_id)
        with pytest.raises(RpcError) as again:
            [event async for event in attached]
    assert first.value.kind == again.value.kind == "providerAuth"


async def test_a_detached_run_that_cannot_begin_says_why(tmp_path: Path) -> None:
    async with shared(tmp_path) as path, Client.connect(path) as client:
        with pytest.raises(RpcError) as caught:
            await client.run_agent("Hi", model="ollama/", detach=True).result
    assert caught.value.kind == "modelUnresolved"


async def test_what_is_not_there_or_followed_already_cannot_be_attached_to(tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.silence()) as (client, upstream):
        with pytest.raises(RpcError) as caught:
            await client.attach("nobody")
        run = client.run_agent("Hi", model=f"{upstream.url}/m", detach=True)
        for come in (client.attach, client.resume):
            with pytest.raises(ClientError, match="already"):
                await come(run.run_id)
    assert caught.value.kind == "notFound"


class Weather(BaseModel):
    city: str
    degrees: float

    @field_validator("city")
    @classmethod
    def _is_known(cls, city: str) -> str:
        if city == "Atlantis":
            raise ValueError("no such city")
        return city


@pytest.mark.parametrize("detach", [False, True])
async def test_a_structured_answer_is_of_the_type_that_was_asked_for(detach: bool, tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.text('{"city": "Rome", "degrees": 21}')) as (client, upstream):
        run = client.run_agent("Weather?", model=f"{upstream.url}/m", output=Weather, detach=detach)
        assert (await run.result).output == Weather(city="Rome", degrees=21)
        run = client.run_agent("Weather?", model=f"{upstream.url}/m", output=Weather.model_json_schema())
        assert (await run.result).output == {"city": "Rome", "degrees": 21}


async def test_an_answer_that_fits_the_schema_and_not_the_type_is_an_error(tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.text('{"city": "Atlantis", "degrees": 4}')) as (client, upstream):
        with pytest.raises(ClientError, match="no such city"):
            await client.run_agent("Weather?", model=f"{upstream.url}/m", output=Weather).result


async def test_a_run_that_was_stopped_has_no_structured_answer(tmp_path: Path) -> None:
    async with alone(tmp_path, Reply.text("{", asyncio.Event())) as (client, upstream):
        run = client.run_agent("Weather?", model=f"{upstream.url}/m", output=Weather)
        await until_text(run)
        await run.cancel()
        result = await run.result
    assert (result.stop_reason, result.output) == ("cancelled", "{")
