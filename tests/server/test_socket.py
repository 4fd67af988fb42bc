"""The shared daemon: many clients, one core."""

import asyncio
import signal
import socket as sockets
import stat
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from harness.peer import (
    TIME_LIMIT,
    clean_environment,
    joined,
    notification,
    request,
    serving,
    spawned,
)

from agentrouted.testing.upstream import Reply, Upstream

RESOLVE = {"model": "ollama/llama3"}


def run_params(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"model": f"{upstream.url}/test-model", "prompt": "Hi", **more}


async def test_the_socket_is_for_its_user_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600


async def test_equal_ids_of_two_clients_are_two_requests(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as one, joined(socket) as two:
        await one.initialize()
        await two.initialize()
        one.send(request(7, "resolveModel", {"model": "ollama/one"}))
        two.send(request(7, "resolveModel", {"model": "ollama/two"}))
        assert (await two.answer(7))["result"]["modelId"] == "two"
        assert (await one.answer(7))["result"]["modelId"] == "one"


async def test_exit_ends_one_connection_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as one, joined(socket) as two:
        await one.initialize()
        await two.initialize()
        one.send(request(1, "shutdown") + notification("exit"))
        await one.end()
        assert (await two.call("daemon/status"))["connections"] == 1


async def test_two_hundred_clients_are_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(joined(socket)) for _ in range(200)]
        await asyncio.gather(*(client.initialize() for client in clients))
        answers = await asyncio.gather(*(client.call("resolveModel", RESOLVE) for client in clients))
        assert {answer["provider"] for answer in answers} == {"ollama"}
        assert (await clients[0].call("daemon/status"))["connections"] == 200


async def test_a_client_that_never_reads_slows_nobody_and_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as reader:
        await reader.initialize()
        deaf = sockets.socket(sockets.AF_UNIX)
        deaf.connect(str(socket))
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(deaf, request(0, "initialize", {"capabilities": {}}))
        flood = request(1, "config/get", {}) * 1000
        flooding = asyncio.create_task(_flood(loop, deaf, flood))
        while not flooding.done():
            assert (await reader.call("resolveModel", RESOLVE))["provider"] == "ollama"
        assert (await reader.call("daemon/status"))["connections"] == 1
        deaf.close()


async def _flood(loop: asyncio.AbstractEventLoop, deaf: sockets.socket, data: bytes) -> None:
    try:
        while True:
            await loop.sock_sendall(deaf, data)
    except ConnectionError:
        return


async def test_a_client_that_leaves_ends_its_own_run_only(tmp_path: Path) -> None:
    script = [Reply.text("Well", asyncio.Event()), Reply.text("Hello")]
    async with Upstream(script) as upstream, serving(tmp_path) as socket, joined(socket) as stays:
        await stays.initialize()
        async with joined(socket) as leaves:
            await leaves.initialize()
            leaves.send(request(1, "runAgent", run_params(upstream)))
            await leaves.until("run/event", kind="textDelta")
        assert (await stays.call("runAgent", run_params(upstream)))["text"] == "Hello"
        await asyncio.wait_for(upstream.requests[0].closed_early.wait(), TIME_LIMIT)


async def test_a_run_can_be_cancelled_by_another_client(tmp_path: Path) -> None:
    async with (
        Upstream([Reply.silence()]) as upstream,
        serving(tmp_path) as socket,
        joined(socket) as one,
        joined(socket) as two,
    ):
        await one.initialize()
        await two.initialize()
        one.send(request(1, "runAgent", run_params(upstream, runId="r")))
        await one.until("run/event", kind="modelCallStart")
        assert await two.call("run/cancel", {"runId": "r"}) == {"runId": "r", "cancelled": True}
        assert (await one.answer(1))["result"]["stopReason"] == "cancelled"


async def test_a_second_daemon_leaves_the_first_one_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, spawned(tmp_path, "serve", "--listen", str(socket)) as second:
        assert await second.exit_code() == 1
        assert "another daemon serves" in (tmp_path / "stderr.txt").read_text()
        async with joined(socket) as client:
            await client.initialize()


async def test_a_socket_left_by_a_killed_daemon_is_taken_over(tmp_path: Path) -> None:
    socket = tmp_path / "v1.sock"
    async with spawned(tmp_path, "serve", "--listen", str(socket)) as first:
        await _until_served(socket)
        first.process.kill()
        await first.exit_code()
        assert socket.exists()
    async with spawned(tmp_path, "serve", "--listen", str(socket)):
        await _until_served(socket)


async def test_a_daemon_that_ends_takes_its_socket_with_it(tmp_path: Path) -> None:
    socket = tmp_path / "v1.sock"
    async with spawned(tmp_path, "serve", "--listen", str(socket)) as daemon:
        await _until_served(socket)
        daemon.process.send_signal(signal.SIGTERM)
        assert await daemon.exit_code() == 0
        assert not socket.exists()


async def test_a_socket_that_is_no_longer_ours_is_not_removed(tmp_path: Path) -> None:
    socket = tmp_path / "v1.sock"
    async with spawned(tmp_path, "serve", "--listen", str(socket)) as daemon:
        await _until_served(socket)
        socket.unlink()
        socket.write_text("somebody else's")
        daemon.process.send_signal(signal.SIGTERM)
        await daemon.exit_code()
        assert socket.read_text() == "somebody else's"


async def test_a_daemon_whose_socket_was_removed_makes_way(tmp_path: Path) -> None:
    socket = tmp_path / "v1.sock"
    async with spawned(tmp_path, "serve", "--listen", str(socket)) as daemon:
        await _until_served(socket)
        socket.unlink()
        assert await daemon.exit_code() == 0


async def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    async with spawned(tmp_path, "serve", "--listen", str(folder / "v1.sock")) as daemon:
        assert await daemon.exit_code() == 1
        assert "others can write" in (tmp_path / "stderr.txt").read_text()


async def test_the_folder_is_made_for_its_user_alone(tmp_path: Path) -> None:
    async with serving(tmp_path, at=tmp_path / "new" / "v1.sock") as socket:
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    async with spawned(tmp_path, "serve", "--listen", str(tmp_path / ("x" * 120))) as daemon:
        assert await daemon.exit_code() == 1
        assert "too long" in (tmp_path / "stderr.txt").read_text()


async def test_an_idle_daemon_stops(tmp_path: Path) -> None:
    folder = tmp_path / ".agentroute"
    folder.mkdir()
    (folder / "config.yaml").write_text("daemon: {idle_timeout: 0.3}\n")
    socket = tmp_path / "v1.sock"
    async with spawned(tmp_path, "serve", "--listen", str(socket)) as daemon:
        await _until_served(socket)
        assert await daemon.exit_code() == 0


async def test_a_daemon_with_a_client_is_not_idle(tmp_path: Path) -> None:
    folder = tmp_path / ".agentroute"
    folder.mkdir()
    (folder / "config.yaml").write_text("daemon: {idle_timeout: 0.05}\n")
    async with serving(tmp_path) as socket, joined(socket) as client:
        await client.initialize()
        uptime = 0.0
        while uptime < 0.5:
            uptime = (await client.call("daemon/status"))["uptime"]


async def test_it_works_without_a_home(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path)
    del environment["HOME"]
    async with spawned(tmp_path, environment=environment) as peer:
        await peer.initialize()
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"


async def _until_served(socket: Path) -> None:
    async with asyncio.timeout(TIME_LIMIT):
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(str(socket))
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
