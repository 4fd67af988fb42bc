"""`agentrouted runs`, and runs that were left to the shared daemon."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness.command import Outcome, agentrouted, serving, started
from harness.peer import TIME_LIMIT

from agentrouted.testing.upstream import Reply, Upstream


async def ended_run(home: Path, upstream: Upstream) -> str:
    """The id of a run that was made before."""
    outcome = await agentrouted(home, "run", "Hi", "-m", f"{upstream.url}/m", "--json")
    first_event: dict[str, str] = json.loads(outcome.out.splitlines()[0])
    return first_event["runId"]


async def left_run(home: Path, upstream: Upstream, *options: str) -> str:
    """The id of a run that was left to the shared daemon."""
    outcome = await agentrouted(home, "run", "Hi", "-m", f"{upstream.url}/m", "--detach", *options)
    assert outcome.code == 0, outcome.err
    return outcome.out.strip()


@asynccontextmanager
async def attached(home: Path, run_id: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A terminal that has seen the first word of it."""
    async with started(home, "runs", "attach", run_id) as following, asyncio.timeout(TIME_LIMIT):
        assert following.stdout
        assert await following.stdout.readexactly(3) == b"One"
        yield following


async def test_runs_are_a_table_the_newest_first(tmp_path: Path) -> None:
    async with serving(tmp_path), Upstream([Reply.text("One"), Reply.status(401)]) as upstream:
        first, second = await ended_run(tmp_path, upstream), await ended_run(tmp_path, upstream)
        outcome = await agentrouted(tmp_path, "runs")
        failed = await agentrouted(tmp_path, "runs", "list", "--status", "failed", "--json")
        one = await agentrouted(tmp_path, "runs", "-n", "1")
    rows = [line.split() for line in outcome.out.splitlines()]
    assert [row[:2] for row in rows] == [[second, "failed"], [first, "completed"]]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rows[0][2]) and "10 tokens in, 5 out" in outcome.out
    assert [run["runId"] for run in json.loads(failed.out)] == [second]
    assert one.out.split()[0] == second and len(one.out.splitlines()) == 1


async def test_where_nothing_has_run_the_table_is_empty(tmp_path: Path) -> None:
    assert await agentrouted(tmp_path, "runs") == Outcome(0, "", "")


async def test_show_gives_the_bill_and_the_transcript(tmp_path: Path) -> None:
    async with serving(tmp_path), Upstream([Reply.text("Hello", " world")]) as upstream:
        run_id = await ended_run(tmp_path, upstream)
        outcome = await agentrouted(tmp_path, "runs", "show", run_id)
        as_json = json.loads((await agentrouted(tmp_path, "runs", "show", run_id, "--json")).out)
    assert outcome.out.splitlines()[-2:] == ["user: Hi", "assistant: Hello world"]
    assert "completed" in outcome.out and "5 out" in outcome.out
    assert (as_json["status"], as_json["result"]["text"]) == ("completed", "Hello world")


async def test_show_tells_why_a_run_failed(tmp_path: Path) -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        outcome = await agentrouted(tmp_path, "runs", "show", await ended_run(tmp_path, upstream))
    assert re.search(r"^error .*key", outcome.out, re.MULTILINE)


async def test_a_run_that_was_left_is_attached_to_and_ends_as_any_other(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with serving(tmp_path), Upstream([Reply.text("One", gate, " two")]) as upstream:
        run_id = await left_run(tmp_path, upstream)
        async with attached(tmp_path, run_id) as following:
            gate.set()
            out, err = await following.communicate()
        again = await agentrouted(tmp_path, "runs", "attach", run_id, "--json")
    assert (following.returncode, out) == (0, b" two\n") and b"tokens in" in err
    *events, result = map(json.loads, again.out.splitlines())
    assert [event["seq"] for event in events] == list(range(1, result["lastSeq"] + 1))


async def test_ctrl_c_stops_the_following_and_not_the_run(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with serving(tmp_path), Upstream([Reply.text("One", gate, " two")]) as upstream:
        run_id = await left_run(tmp_path, upstream)
        async with attached(tmp_path, run_id) as following:
            following.send_signal(signal.SIGINT)
            assert await following.wait() == 130
        gate.set()
        outcome = await agentrouted(tmp_path, "runs", "attach", run_id)
    assert outcome.out == "One two\n"


async def test_a_run_is_left_to_a_daemon_that_is_started_for_it(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Done.")]) as upstream:
        try:
            outcome = await agentrouted(tmp_path, "run", "Hi", "-m", f"{upstream.url}/m", "--detach", "--json")
            run_id = json.loads(outcome.out)["runId"]
            assert f"runs attach {run_id}" in outcome.err
            assert (await agentrouted(tmp_path, "runs", "attach", run_id)).out == "Done.\n"
        finally:
            await agentrouted(tmp_path, "stop")


async def test_cancel_ends_a_run_once(tmp_path: Path) -> None:
    async with serving(tmp_path), Upstream([Reply.silence()]) as upstream:
        run_id = await left_run(tmp_path, upstream)
        await upstream.received()
        first = await agentrouted(tmp_path, "runs", "cancel", run_id)
        shown = await agentrouted(tmp_path, "runs", "show", run_id)
        second = await agentrouted(tmp_path, "runs", "cancel", run_id)
        as_json = await agentrouted(tmp_path, "runs", "cancel", run_id, "--json")
    assert first.out == f"run {run_id} is cancelled\n"
    assert "cancelled" in shown.out and "it is cancelled" in second.out
    assert json.loads(as_json.out) == {"runId": run_id, "cancelled": False}


async def test_a_run_whose_daemon_was_killed_is_resumed(tmp_path: Path) -> None:
    async with Upstream([Reply.silence(), Reply.text("Done.")]) as upstream:
        async with serving(tmp_path) as daemon:
            run_id = await left_run(tmp_path, upstream)
            await upstream.received()
            daemon.kill()
            await daemon.wait()
        attached = await agentrouted(tmp_path, "runs", "attach", run_id)
        resumed = await agentrouted(tmp_path, "runs", "resume", run_id)
        again = await agentrouted(tmp_path, "runs", "resume", run_id)
    assert attached.code == 1 and f"runs resume {run_id}" in attached.err
    assert (resumed.code, resumed.out) == (0, "Done.\n")
    assert again.code == 1 and "completed" in again.err


@pytest.mark.parametrize("what", ["show", "attach", "resume", "cancel"])
async def test_a_run_that_is_not_there_is_an_error_that_says_where_to_look(what: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "runs", what, "nobody")
    assert (outcome.code, outcome.out) == (1, "")
    assert "hint: `agentrouted runs` lists" in outcome.err
    assert (await agentrouted(tmp_path, "runs", what)).code == 2
