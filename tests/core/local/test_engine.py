"""The embedded engine, with the real model in real processes."""

# Nothing else runs on the loop of a test.

import asyncio
import json
import os
import signal
import struct
import sys
import tempfile
import venv
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from agentrouted.core.errors import ConfigInvalid, ModelMissing, ProviderError, ProviderUnreachable, Storage
from agentrouted.core.local import child
from agentrouted.core.local.engine import Engines
from agentrouted.core.local.process import EngineSettings, RunningEngine

pytestmark = pytest.mark.model

HELLO = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
TOOL_TEMPLATE = """{% for t in tools or [] %}{{ t|tojson }}{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments|tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}<|im_start|>assistant
"""
BROUGHT = (Path(child.__file__).parent / "templates/smollm2-135m.jinja").read_text()
LONG = {"messages": [{"role": "user", "content": "Count to a million."}], "stream": True, "ignore_eos": True}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, as a socket's path has to be; the engine makes it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as parent:
        yield Path(parent) / "engines"


@pytest.fixture
async def engines(folder: Path) -> AsyncIterator[Engines]:
    engines = Engines(folder)
    yield engines
    await engines.aclose()


@asynccontextmanager
async def request(engine: RunningEngine, path: str, body: object, key: str) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_unix_connection(engine.socket_path)
    content = b"" if body is None else json.dumps(body).encode()
    head = f"Connection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: engine\r\n{head}".encode() + content)
    try:
        yield reader
    finally:
        writer.close()


async def ask(engine: RunningEngine, path: str, body: object = None, key: str | None = None) -> tuple[int, Any]:
    async with request(engine, path, body, key or engine.api_key.get_secret_value()) as reader:
        head, _, reply = (await reader.read()).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(reply)


async def chat(engine: RunningEngine, **body: object) -> Any:
    status, reply = await ask(engine, "/v1/chat/completions", HELLO | body)
    assert status == 200, reply
    return reply["choices"][0]["message"]


async def gone(pid: int) -> None:
    """Returns when there is no such process, not even a zombie."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            await asyncio.sleep(0)


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


async def test_the_demo_models_own_template_knows_no_tools_and_the_one_we_bring_does(
    folder: Path, demo_model: Path
) -> None:
    for template, knows in ((None, False), (BROUGHT, True)):
        async with running(folder, demo_model, template) as engine:
            assert engine.supports_tools is knows


@pytest.mark.parametrize(
    "messages",
    [
        [("user", "Hi")],
        [("system", "Be brief."), ("user", "Hi "), ("assistant", "\nHello"), ("user", "{{ x }}")],
        [("user", "Hi"), ("system", "Be brief."), ("user", "")],
    ],
)
async def test_without_tools_the_template_we_bring_says_what_the_models_own_says(
    folder: Path, demo_model: Path, messages: list[tuple[str, str]]
) -> None:
    body = {"messages": [{"role": role, "content": content} for role, content in messages]}
    prompts = []
    for template in (None, BROUGHT):
        async with running(folder, demo_model, template) as engine:
            prompts.append((await ask(engine, "/apply-template", body))[1]["prompt"])

    assert prompts[0] == prompts[1]


async def test_a_transcript_with_calls_stands_in_the_prompt_as_the_examples_do(folder: Path, demo_model: Path) -> None:
    calls = [
        {"id": str(number), "type": "function", "function": {"name": "age", "arguments": json.dumps({"of": name})}}
        for number, name in enumerate(["Al", 'Bo "B" Bee'])
    ]
    messages = [
        {"role": "user", "content": "How old?"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "0", "content": "21"},
        {"role": "tool", "tool_call_id": "1", "content": "22"},
    ]
    tool = {"type": "function", "function": {"name": "age", "parameters": {"type": "object"}}}
    async with running(folder, demo_model, BROUGHT) as engine:
        _, reply = await ask(engine, "/apply-template", {"messages": messages, "tools": [tool]})

    first, *_, asked, called, one, two, opened = reply["prompt"].split("<|im_start|>")[1:]
    assert '"name": "age"' in first
    assert asked == "user\nHow old?<|im_end|>\n"
    assert called == (
        'assistant\nLet me see.\n<tool_call>\n{"name": "age", "arguments": {"of": "Al"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "age", "arguments": {"of": "Bo \\"B\\" Bee"}}\n</tool_call><|im_end|>\n'
    )
    assert (one, two, opened) == ("tool\n21<|im_end|>\n", "tool\n22<|im_end|>\n", "assistant\n")


async def test_a_template_that_is_no_jinja_is_refused_with_the_place(engines: Engines, demo_model: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        await engines.open(demo_model, EngineSettings(chat_template="{% for m in messages %}\n{{ m.content -%}"))

    assert str(demo_model) in caught.value.message and "{{ m.content -%}" in caught.value.message
    assert "daemon.embedded.chat_templates" in str(caught.value.hint)


@asynccontextmanager
async def running(folder: Path, model: Path, template: str | None) -> AsyncIterator[RunningEngine]:
    engines = Engines(folder)
    yield await engines.open(model, EngineSettings(chat_template=template))
    await engines.aclose()


async def test_a_template_with_tools_is_used(engines: Engines, demo_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "tools.gguf"
    model.write_bytes(with_template(demo_model.read_bytes(), TOOL_TEMPLATE.encode()))
    engine = await engines.open(model)
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}

    _, reply = await ask(engine, "/apply-template", HELLO | {"tools": [tool]})

    assert engine.supports_tools
    assert "get_weather" in reply["prompt"]


def with_template(gguf: bytes, template: bytes) -> bytes:
    """The same model with another chat template in the place of its own: name, type, length, text."""
    length_at = gguf.index(b"tokenizer.chat_template") + len(b"tokenizer.chat_template") + 4
    (length,) = struct.unpack_from("<Q", gguf, length_at)
    assert len(template) <= length
    return gguf[: length_at + 8] + template.ljust(length) + gguf[length_at + 8 + length :]


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
    sockets: list[Path] = []
    while not sockets:
        sockets = list(folder.glob("*.sock"))
        await asyncio.sleep(0)
    reader, writer = await asyncio.open_unix_connection(sockets[0])
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
    seat = engines._seats[demo_model.absolute()]
    assert seat.process is not None
    os.kill(seat.process._process.pid, signal.SIGKILL)
    with pytest.raises(ProviderError) as caught:
        await opening
    assert caught.value.details == {"state": "outOfMemory"}
    assert "context_window" in (caught.value.hint or "")
