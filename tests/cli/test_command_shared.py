"""The commands around the daemon that all programs share."""

import asyncio
import json
from pathlib import Path

from harness.command import agentrouted, serving, started
from harness.peer import TIME_LIMIT


async def test_status_tells_of_the_shared_daemon(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        outcome = await agentrouted(tmp_path, "status", "--json")
    status = json.loads(outcome.out)
    assert (status["pid"], status["connections"]) == (daemon.pid, 1)


async def test_status_in_words_names_the_process(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        assert str(daemon.pid) in (await agentrouted(tmp_path, "status")).out


async def test_status_without_a_daemon_is_an_error_that_says_how_to_start_one(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "status", "--json")
    assert (outcome.code, json.loads(outcome.out)["error"]["data"]["kind"]) == (1, "notFound")
    assert "agentrouted serve" in outcome.err


async def test_stop_returns_when_the_daemon_has_ended(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        outcome = await agentrouted(tmp_path, "stop")
        assert (outcome.code, outcome.out) == (0, f"daemon {daemon.pid} has ended\n")
        assert not (tmp_path / "run/agentrouted/v1.sock").exists()
        assert await daemon.wait() == 0


async def test_stop_without_a_daemon_is_done_already(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "stop", "--json")
    assert (outcome.code, json.loads(outcome.out)) == (0, {"stopped": None})


async def test_other_commands_join_the_shared_daemon(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        outcome = await agentrouted(tmp_path, "doctor", "--json")
    findings = {check["name"]: check["finding"] for check in json.loads(outcome.out)}
    assert f"process {daemon.pid} serves" in findings["daemon"]


async def test_logs_shows_the_last_entries(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        outcome = await agentrouted(tmp_path, "logs", "-n", "1", "--json")
    entry = json.loads(outcome.out)
    assert (entry["process"], entry["level"]) == (str(daemon.pid), "INFO")


async def test_logs_goes_on_with_what_comes(tmp_path: Path) -> None:
    async with serving(tmp_path), started(tmp_path, "logs", "-n", "1", "-f") as logs, asyncio.timeout(TIME_LIMIT):
        assert logs.stdout
        # From then on it looks for what comes.
        assert await logs.stdout.readline()
        stop = asyncio.create_task(agentrouted(tmp_path, "stop"))
        while b"stopping" not in await logs.stdout.readline():
            pass
        await stop


async def test_logs_before_the_first_daemon_says_that_there_are_none(tmp_path: Path) -> None:
    assert (await agentrouted(tmp_path, "logs")).code == 1
