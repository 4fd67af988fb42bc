"""The embedded engine, with the real model in real processes."""

import asyncio
import json
import os
import signal
import sys
import venv
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from harness.engines import HELLO, ask, chat, gone, request

from agentrouted.core.errors import ModelMissing, ProviderError, ProviderUnreachable, Storage
from agentrouted.core.local import child
from agentrouted.core.local.engine import Engines
from agentrouted.core.local.process import EngineSettings

pytestmark = pytest.mark.model

LONG = {"messages": [{"role": "user", "content": "Count to a million."}], "stream": True, "ignore_eos": True}


async def test_a_model_answers_from_its_first_use_on(engines: Engines, demo_model: Path) -> None:
    engine = await engines.open(demo_model)

    assert (await chat(engine))["content"]
    assert engine.context_window == 8192


async def test_all_who_open_a_model_share_one_engine(engines: Engines, demo_model: Path) -> None:
    first, second = await asyncio.gather(engines.open(demo_model), engines.open(demo_model))

    assert first is second
    assert await engines.open(demo_model) is first


async def test_socket_and_key_are_for_us_alone(engines: Engines, demo_model: Path, folder: Path) -> None:
    engine = await engines.open(demo_model)

    assert Path(engine.socket_path).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (await ask(engine, "/v1/chat/completions", HELLO, key="wrong"))[0] == 401
    assert engine.api_key.get_secret_value() not in repr(engine)


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
async def test_the_key_cannot_be_seen_in_the_list_of_processes(engines: Engines, demo_model: Path) -> None:
    engine = await engines.open(demo_model)
    seen = [Path(f"/proc/{engine.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]

    assert b"child.py" in seen[0]
    assert not any(engine.api_key.get_secret_value().encode() in text for text in seen)


async def test_a_schema_in_a_request_is_kept(engines: Engines, demo_model: Path) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    form = {
        "type": "json_schema",
        "json_schema": {"name": "person", "schema": schema | {"additionalProperties": False}},
    }

    message = await chat(await engines.open(demo_model), response_format=form, max_tokens=60)

    assert isinstance(json.loads(message["content"])["age"], int)


async def test_several_requests_are_answered_at_once(engines: Engines, demo_model: Path) -> None:
    engine = await engines.open(demo_model)
    async with request(engine, "/v1/chat/completions", LONG, engine.api_key.get_secret_value()) as reader:
        await reader.readuntil(b"data: ")

        assert (await chat(engine))["content"]


async def test_an_engine_whose_threads_are_all_taken_is_not_taken_for_dead(engines: Engines, demo_model: Path) -> None:
    engine = await engines.open(demo_model)
    key = engine.api_key.get_secret_value()
    async with AsyncExitStack() as streams:
        stream = await streams.enter_async_context(request(engine, "/v1/chat/completions", LONG, key))
        await stream.readuntil(b"data: ")
        for _ in range(child.HTTP_THREADS + 8):
            await streams.enter_async_context(request(engine, "/v1/chat/completions", LONG, key))

        assert await engines.open(demo_model) is engine
        assert await stream.readuntil(b"data: ")


async def test_a_killed_engine_is_started_again(engines: Engines, demo_model: Path) -> None:
    first = await engines.open(demo_model)
    async with request(first, "/v1/chat/completions", LONG, first.api_key.get_secret_value()) as reader:
        await reader.readuntil(b"data: ")
        os.kill(first.pid, signal.SIGKILL)
        await gone(first.pid)

    second = await engines.open(demo_model)

    assert second.pid != first.pid
    assert (await chat(second))["content"]
    assert not Path(first.socket_path).exists()


async def test_closing_ends_a_request_that_runs_and_leaves_nothing(
    engines: Engines, demo_model: Path, folder: Path
) -> None:
    engine = await engines.open(demo_model)
    async with request(engine, "/v1/chat/completions", LONG, engine.api_key.get_secret_value()) as reader:
        await reader.readuntil(b"data: ")
        await engines.aclose()

    await gone(engine.pid)
    assert list(folder.iterdir()) == []
    with pytest.raises(ProviderUnreachable):
        await engines.open(demo_model)


@asynccontextmanager
async def loading(folder: Path) -> AsyncIterator[asyncio.StreamReader]:
    """A connection to an engine that still loads its model: it ends when the process does."""
    connection = None
    while connection is None:
        await asyncio.sleep(0)
        for socket in folder.glob("*.sock"):
            # It is there a moment before it is listened on.
            with suppress(ConnectionRefusedError):
                connection = await asyncio.open_unix_connection(socket)
    reader, writer = connection
    try:
        yield reader
    finally:
        writer.close()


@pytest.mark.parametrize("way", ["cancel", "close"])
async def test_a_start_that_is_given_up_leaves_nothing(
    engines: Engines, demo_model: Path, folder: Path, way: str
) -> None:
    start = asyncio.create_task(engines.open(demo_model))
    async with loading(folder) as connection:
        if way == "cancel":
            start.cancel()
        else:
            await engines.aclose()
        with pytest.raises((asyncio.CancelledError, ProviderError)):
            await start

        await ended(connection)
    assert list(folder.iterdir()) == []


async def test_another_caller_is_served_when_the_first_gives_up(
    engines: Engines, demo_model: Path, folder: Path
) -> None:
    first, second = (asyncio.create_task(engines.open(demo_model)) for _ in range(2))
    async with loading(folder):
        first.cancel()

    assert (await chat(await second))["content"]


async def ended(connection: asyncio.StreamReader) -> None:
    with suppress(ConnectionResetError):
        assert await connection.read() == b""


PARENT = """
import asyncio, sys
from pathlib import Path
from agentrouted.core.local.engine import Engines

async def main():
    engine = await Engines(Path(sys.argv[1])).open(Path(sys.argv[2]))
    print(engine.socket_path, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_an_engine_ends_when_its_parent_is_killed(demo_model: Path, folder: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(folder), str(demo_model), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    socket_path = (await parent.stdout.readline()).decode().strip()
    reader, writer = await asyncio.open_unix_connection(socket_path)
    parent.kill()
    await parent.wait()

    await ended(reader)
    writer.close()
    assert not Path(socket_path).exists()


async def test_the_child_leaves_in_order_when_its_input_ends_in_mid_request(demo_model: Path, folder: Path) -> None:
    folder.mkdir()
    settings = {
        "model": str(demo_model),
        "socket": str(folder / "s.sock"),
        "api_key": "key",
        **asdict(EngineSettings()),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", child.__file__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    await process.stdout.readline()

    process.stdin.close()

    assert await process.wait() == 0
    assert await process.stdout.read() == b""


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
async def test_a_model_sleeps_when_nobody_asks_and_wakes_when_somebody_does(demo_model: Path, folder: Path) -> None:
    engines = Engines(folder)
    engine = await engines.open(demo_model, EngineSettings(sleep_idle_seconds=1))
    await chat(engine)
    awake = memory(engine.pid)
    asleep = False
    while not asleep:
        _, properties = await ask(engine, "/props")
        asleep = properties["is_sleeping"]

    assert memory(engine.pid) < awake / 2
    assert (await chat(engine))["content"]
    await engines.aclose()


async def test_a_model_is_run_as_the_settings_say(engines: Engines, demo_model: Path) -> None:
    engine = await engines.open(demo_model, EngineSettings(threads=1, context_window=1024, sleep_idle_seconds=0))
    assert engine.context_window == 1024
    assert (await chat(engine))["content"]


def memory(pid: int) -> int:
    """Resident pages."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


async def test_a_file_that_is_not_there_is_named(engines: Engines, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no\.gguf"):
        await engines.open(tmp_path / "no.gguf")


@pytest.mark.parametrize(("kept", "reason"), [(5_000_000, "corrupted or incomplete"), (0, "magic"), (4, "")])
async def test_a_broken_file_is_refused_with_the_reason(
    engines: Engines, demo_model: Path, tmp_path: Path, folder: Path, kept: int, reason: str
) -> None:
    broken = tmp_path / "broken.gguf"
    with demo_model.open("rb") as whole:
        broken.write_bytes(whole.read(kept) or b"<!doctype html>")

    with pytest.raises(ProviderError) as caught:
        await engines.open(broken)

    assert str(broken) in caught.value.message and reason in caught.value.message
    assert list(folder.iterdir()) == []


async def test_a_missing_engine_is_told_with_the_command_that_brings_it(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.gguf").touch()
    venv.create(tmp_path / "bare", symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare/bin/python"))

    with pytest.raises(ModelMissing) as caught:
        await engines.open(tmp_path / "model.gguf")

    assert caught.value.hint == "pip install 'agentrouted[local]'"


async def test_a_folder_that_others_may_enter_is_refused(engines: Engines, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "model.gguf").touch()
    folder.mkdir(mode=0o755)

    with pytest.raises(Storage, match="others"):
        await engines.open(tmp_path / "model.gguf")


async def test_a_folder_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").touch()

    with pytest.raises(Storage, match="bytes"):
        await Engines(tmp_path / ("deep" * 30)).open(tmp_path / "model.gguf")


async def test_an_engine_that_is_killed_while_it_loads_wants_less_memory(engines: Engines, demo_model: Path) -> None:
    opening = asyncio.create_task(engines.open(demo_model))
    while not engines.running:
        await asyncio.sleep(0)
    seat = engines._seats[demo_model.absolute(), False]
    assert seat.process is not None
    os.kill(seat.process._process.pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as caught:
        await opening
    assert caught.value.details == {"state": "outOfMemory"}
    assert "context_window" in (caught.value.hint or "")
