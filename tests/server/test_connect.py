"""The bridge from stdin and stdout to the shared daemon."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness.command import agentrouted
from harness.peer import Peer, Spawned, joined, notification, request, serving, spawned

RESOLVE = {"model": "ollama/llama3"}


@asynccontextmanager
async def bridged(home: Path, socket: Path, *arguments: str) -> AsyncIterator[Spawned]:
    async with spawned(home, "connect", "--listen", str(socket), *arguments) as peer:
        await peer.initialize()
        yield peer


async def end_daemon(peer: Peer) -> None:
    os.kill((await peer.call("daemon/status"))["pid"], signal.SIGTERM)


async def test_connect_starts_the_daemon_and_others_join_it(tmp_path: Path) -> None:
    socket = tmp_path / "v1.sock"
    async with bridged(tmp_path, socket) as one, bridged(tmp_path, socket) as two:
        assert (await two.call("daemon/status"))["connections"] == 2
        one.send(request(1, "shutdown") + notification("exit"))
        assert await one.exit_code() == 0
        assert (await two.call("resolveModel", RESOLVE))["provider"] == "ollama"
        await end_daemon(two)


async def test_two_that_start_at_once_share_one_daemon(tmp_path: Path) -> None:
    socket = tmp_path / "v1.sock"
    async with (
        spawned(tmp_path, "connect", "--listen", str(socket)) as one,
        spawned(tmp_path, "connect", "--listen", str(socket)) as two,
    ):
        await one.initialize()
        await two.initialize()
        assert (await one.call("daemon/status"))["pid"] == (await two.call("daemon/status"))["pid"]
        await end_daemon(two)


async def test_the_daemon_is_no_child_of_the_bridge_that_started_it(tmp_path: Path) -> None:
    async with bridged(tmp_path, tmp_path / "v1.sock") as peer:
        bridge = peer.process.pid
        assert Path(f"/proc/{bridge}/task/{bridge}/children").read_text() == ""
        await end_daemon(peer)


async def test_exit_without_shutdown_is_code_1(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, bridged(tmp_path, socket) as peer:
        await peer.call("agent/list", {"_meta": {"note": '"method":"shutdown"', "method": "shutdown"}})
        peer.send(notification("exit"))
        assert await peer.exit_code() == 1


async def test_exit_after_shutdown_is_code_0(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, bridged(tmp_path, socket) as peer:
        assert await peer.call("shutdown") is None
        peer.send(notification("exit"))
        assert await peer.exit_code() == 0


async def test_a_client_that_only_leaves_ends_as_with_a_daemon_of_its_own(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, bridged(tmp_path, socket) as peer:
        peer.writer.close()
        assert await peer.exit_code() == 1
        assert (await agentrouted(tmp_path, "connect", "--listen", str(socket))).code == 0


async def test_a_daemon_that_vanishes_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, bridged(tmp_path, socket) as peer:
        await end_daemon(peer)
        assert await peer.exit_code() == 1
        assert "agentrouted logs" in (tmp_path / "stderr.txt").read_text()


async def test_connect_passes_on_why_the_daemon_would_not_start(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 120) / "v1.sock"
    outcome = await agentrouted(tmp_path, "connect", "--listen", str(too_long))
    assert outcome.code == 1
    assert "too long for a Unix socket" in outcome.err


@pytest.mark.parametrize("door", ["connect", "serve"])
async def test_a_config_that_comes_too_late_is_told(door: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("models: {fast: ollama/other}\n")
    async with serving(tmp_path) as socket:
        at = ("--listen", str(socket))
        outcome = await agentrouted(tmp_path, door, *at, "--config", str(tmp_path / "other.yaml"))
        warning = outcome.err.splitlines()[0]
        assert all(part in warning for part in ("other.yaml", ".agentroute/config.yaml", "agentrouted stop"))
        same = await agentrouted(tmp_path, door, *at, "--config", str(tmp_path / ".agentroute/config.yaml"))
        assert "agentrouted stop" not in same.err.splitlines()[:1]
        async with joined(socket) as client:
            await client.initialize()


async def test_a_bridge_works_on_with_the_config_that_is_in_force(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, bridged(tmp_path, socket, "--config=other.yaml") as peer:
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"
