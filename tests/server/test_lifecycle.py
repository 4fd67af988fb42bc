"""The life of a session, from spawn to exit."""

import asyncio
import os
import signal
import socket as sockets
import subprocess
import sys
from pathlib import Path

import pytest
from harness.peer import (
    COMMAND,
    TIME_LIMIT,
    Peer,
    Spawned,
    clean_environment,
    frame,
    initialized,
    notification,
    request,
    spawned,
)

RESOLVE = {"model": "ollama/llama3"}


async def test_before_initialize_requests_are_refused_and_notifications_dropped(tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        peer.send(notification("initialized", {}) + request(1, "resolveModel", RESOLVE))
        assert (await peer.answer(1))["error"]["code"] == -32002
        assert "capabilities" in await peer.initialize()


async def test_after_shutdown_only_exit_is_left(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        assert await peer.call("shutdown") is None
        assert (await peer.call("resolveModel", RESOLVE))["code"] == -32600
        peer.send(notification("exit"))
        assert await peer.exit_code() == 0


async def test_exit_without_shutdown_is_code_1(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        peer.send(notification("exit"))
        assert await peer.exit_code() == 1


async def test_exit_before_initialize_is_code_1(tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        peer.send(notification("exit"))
        assert await peer.exit_code() == 1


@pytest.mark.parametrize("split", [1, 30, 60])
async def test_initialize_may_come_in_pieces(split: int, tmp_path: Path) -> None:
    data = request(1, "initialize", {"capabilities": {}})
    async with spawned(tmp_path) as peer:
        peer.send(data[:split])
        await peer.writer.drain()
        peer.send(data[split:] + request(2, "resolveModel", RESOLVE))
        assert (await peer.answer(1))["result"]["serverInfo"]["name"] == "agentrouted"
        assert (await peer.answer(2))["result"]["provider"] == "ollama"


async def test_everything_may_come_in_one_write(tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        peer.send(
            request(1, "initialize", {"capabilities": {}})
            + notification("initialized", {})
            + request(2, "resolveModel", RESOLVE)
            + request(3, "shutdown")
            + notification("exit")
        )
        assert await peer.exit_code() == 0
        output = await peer.end()
        assert [output.count(b'"id":%d' % id_) for id_ in (1, 2, 3)] == [1, 1, 1]


async def test_what_is_advertised_is_what_is_served(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        advertised = peer.seen[0]["result"]["capabilities"]["experimental"]["agentrouted"]["methods"]
        codes = {method: (await peer.call(method, {})).get("code") for method in advertised}
        assert -32601 not in codes.values()


async def test_a_command_is_the_twin_of_its_method(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        command = {"command": "agentrouted.resolveModel", "arguments": [RESOLVE]}
        assert await peer.call("workspace/executeCommand", command) == await peer.call("resolveModel", RESOLVE)
        assert (await peer.call("workspace/executeCommand", {"command": "nope"}))["code"] == -32602


@pytest.mark.parametrize("source", ["/dev/null", "an empty file"])
def test_an_empty_input_ends_the_daemon(source: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with (Path(source) if source == "/dev/null" else tmp_path / "empty").open("rb") as stdin:
        done = subprocess.run(
            COMMAND, stdin=stdin, capture_output=True, timeout=TIME_LIMIT, env=clean_environment(tmp_path)
        )
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_closed_pipe_ends_the_daemon(tmp_path: Path) -> None:
    done = subprocess.run(COMMAND, input=b"", capture_output=True, timeout=TIME_LIMIT, env=clean_environment(tmp_path))
    assert (done.returncode, done.stdout) == (0, b"")


def test_input_and_output_may_be_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(
        request(1, "initialize", {"capabilities": {}}) + request(2, "resolveModel", RESOLVE) + request(3, "shutdown")
    )
    with (tmp_path / "in").open() as stdin, (tmp_path / "out").open("wb") as stdout:
        subprocess.run(COMMAND, stdin=stdin, stdout=stdout, timeout=TIME_LIMIT, env=clean_environment(tmp_path))
    output = (tmp_path / "out").read_bytes()
    assert output.count(b"Content-Length: ") == 3 and b'"provider":"ollama"' in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_daemon(number: signal.Signals, tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        await peer.call("resolveModel", RESOLVE)
        peer.process.send_signal(number)
        assert await peer.exit_code() == 0


async def test_the_daemon_ends_with_the_process_that_initialize_named(tmp_path: Path) -> None:
    editor = await asyncio.create_subprocess_exec("sleep", "600")
    async with spawned(tmp_path) as peer:
        await peer.call("initialize", {"capabilities": {}, "processId": editor.pid})
        await peer.call("resolveModel", RESOLVE)
        editor.kill()
        await editor.wait()
        await peer.exit_code()


async def test_a_named_process_may_end_while_the_daemon_still_starts(tmp_path: Path) -> None:
    """`initialize` is answered long before all is loaded."""
    editor = await asyncio.create_subprocess_exec("sleep", "600")
    async with spawned(tmp_path) as peer:
        await peer.call("initialize", {"capabilities": {}, "processId": editor.pid})
        editor.kill()
        await editor.wait()
        await peer.exit_code()


async def test_the_process_of_the_command_line_may_end_while_the_daemon_still_starts(tmp_path: Path) -> None:
    editor = await asyncio.create_subprocess_exec("sleep", "600")
    async with spawned(tmp_path, f"--clientProcessId={editor.pid}") as peer:
        await peer.call("initialize", {"capabilities": {}})
        editor.kill()
        await editor.wait()
        await peer.exit_code()


@pytest.mark.parametrize("value", ["=abc", "=", "=" + "9" * 5000, ""])
async def test_a_process_that_is_no_number_is_told_and_ignored(value: str, tmp_path: Path) -> None:
    async with spawned(tmp_path, f"--clientProcessId{value}") as peer:
        await peer.initialize()
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"
        assert "--clientProcessId" in (tmp_path / "stderr.txt").read_text()


async def test_a_process_of_another_machine_is_not_watched(tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        await peer.call("initialize", {"capabilities": {}, "processId": 2**22 + 12345})
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"


async def test_the_daemon_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """The parent's death is noticed even while somebody else holds stdin open."""
    script = (
        f"import subprocess, time; print(subprocess.Popen({[*COMMAND]!r}, stdin=0).pid, flush=True); time.sleep(600)"
    )
    read_end, write_end = os.pipe()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=read_end, stdout=asyncio.subprocess.PIPE, env=clean_environment(tmp_path)
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    os.write(write_end, request(1, "initialize", {"capabilities": {}}) + request(2, "daemon/status"))
    async with asyncio.timeout(TIME_LIMIT):
        while b'"id":2' not in await parent.stdout.read(65536):
            pass
        parent.kill()
        await parent.wait()
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            await asyncio.sleep(0.02)
    os.close(write_end)
    os.close(read_end)


async def test_what_python_and_c_code_print_goes_to_stderr(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os, sys, threading\n"
        "def noise():\n"
        "    print('noise from python', flush=True)\n"
        "    os.system('echo noise from a child')\n"
        "threading.Timer(0.3, noise).start()\n"
    )
    environment = clean_environment(tmp_path, PYTHONPATH=str(tmp_path))
    async with spawned(tmp_path, environment=environment) as peer:
        await peer.initialize()
        while b"noise from a child" not in (tmp_path / "stderr.txt").read_bytes():
            await peer.call("resolveModel", RESOLVE)
        assert all("jsonrpc" in message for message in peer.seen)


async def test_unknown_options_do_not_keep_the_daemon_from_serving(tmp_path: Path) -> None:
    async with spawned(tmp_path, "--stdio", "--some-new-flag=5", "--clientProcessId=1") as peer:
        await peer.initialize()
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"


@pytest.mark.parametrize("door", ["--pipe", "--socket"])
async def test_the_client_may_listen_and_we_connect(door: str, tmp_path: Path) -> None:
    connected: asyncio.Queue[Peer] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connected.put(Peer(reader, writer))

    path = tmp_path / "editor.sock"
    if door == "--pipe":
        server = await asyncio.start_unix_server(accept, path)
        argument = f"--pipe={path}"
    else:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        argument = f"--socket={server.sockets[0].getsockname()[1]}"
    async with server, spawned(tmp_path, argument) as daemon:
        peer = await asyncio.wait_for(connected.get(), TIME_LIMIT)
        await peer.initialize()
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"
        peer.writer.close()
        assert await daemon.exit_code() == 1


async def test_input_and_output_may_be_one_socket(tmp_path: Path) -> None:
    ours, theirs = sockets.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=theirs.fileno(), stdout=theirs.fileno(), env=clean_environment(tmp_path)
        )
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    peer = Peer(reader, writer)
    await peer.initialize()
    assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"
    assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"
    writer.close()
    assert await asyncio.wait_for(process.wait(), TIME_LIMIT) == 1


async def test_stderr_that_nobody_reads_stops_neither_the_daemon_nor_its_log(tmp_path: Path) -> None:
    unread, stderr = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, *(f"--unknown-{number}-{'x' * 1000}" for number in range(100))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env=clean_environment(tmp_path),
    )
    peer = Spawned(process)
    peer.send(request(1, "initialize", {}) + request(2, "resolveModel", RESOLVE) + request(3, "shutdown"))
    peer.send(notification("exit"))
    assert await peer.exit_code() == 0
    await peer.end()
    (log,) = tmp_path.rglob("stdio.log")
    assert log.read_text().count("is ignored") == 100
    for descriptor in (unread, stderr):
        os.close(descriptor)


@pytest.mark.parametrize("first", [b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", frame(b"[" * 100_000)])
async def test_a_bad_first_message_is_answered_like_any_other(first: bytes, tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        peer.send(first + request(1, "initialize", {}))
        assert "result" in await peer.answer(1)
        assert [message["id"] for message in peer.seen if "error" in message] == [None]


async def test_one_bad_option_does_not_cost_the_others(tmp_path: Path) -> None:
    async with initialized(tmp_path, tools=True, optOut=7, unknown=1) as peer:
        tool = {"name": "add", "inputSchema": {}}
        error = await peer.call("runAgent", {"model": "http://127.0.0.1:9/v1/m", "prompt": "Hi", "tools": [tool]})
        assert error["data"]["kind"] == "providerUnreachable"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_end_the_daemon_in_order(closed: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {' '.join(COMMAND)} --stdio {closed}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIME_LIMIT,
        env=clean_environment(tmp_path),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
