"""The core behind a Python program: started once, shared, ended."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT

from agentrouted import Agent, LLMRequest, Message, resolve_model
from agentrouted.face.background import background, in_background
from agentrouted.face.caller import Caller
from agentrouted.face.channel import Channel
from agentrouted.face.context import Context
from agentrouted.face.host import PythonHost
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.events import TextDelta

PROGRAM = """
import asyncio, os, sys, threading
from agentrouted import Agent, LLMRequest, Message, resolve_model
from agentrouted.testing import ScriptedModel
agent = Agent("a", model={model})
"""


def run(script: str, model: str = "ScriptedModel(['Hello'])") -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM.format(model=model)}\n{script}"
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)


async def test_there_is_one_of_it_whatever_the_thread() -> None:
    found = await asyncio.gather(*(asyncio.to_thread(background) for _ in range(20)))
    assert set(found) == {background()}


async def test_runs_of_threads_and_loops_use_one_http_client() -> None:
    async with Upstream() as upstream:
        agent = Agent("a", model=f"{upstream.url}/m")
        for _ in range(5):
            assert str(await asyncio.to_thread(agent.run, "Hi")) == "Hello world"
    assert upstream.connections == 1


async def test_a_thousand_runs_at_once_all_end() -> None:
    async with Upstream() as upstream:
        agent = Agent("a", model=f"{upstream.url}/m")
        results = await asyncio.gather(*(agent.arun("Hi") for _ in range(1000)))
    assert {str(result) for result in results} == {"Hello world"}


def test_a_program_ends_without_a_word() -> None:
    done = run("print(agent.run('Hi'))")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello\n", "")


async def test_a_program_that_has_used_a_server_ends_without_a_word() -> None:
    async with Upstream() as upstream:
        done = await asyncio.to_thread(run, "print(agent.run('Hi'))", f"'{upstream.url}/m'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello world\n", "")


async def test_a_program_may_end_in_the_middle_of_a_run() -> None:
    script = """
threading.Thread(target=lambda: agent.run("Hi"), daemon=True).start()
sys.stdin.readline()
"""
    async with Upstream([Reply.silence()]) as upstream:
        program = (
            f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM.format(model=repr(f'{upstream.url}/m'))}\n{script}"
        )
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        received = await asyncio.wait_for(upstream.received(), TIME_LIMIT)
        _, complaints = await child.communicate(b"\n")
        await received.closed_early.wait()
    assert (child.returncode, complaints) == (0, b"")


async def test_a_forked_child_has_a_core_of_its_own() -> None:
    script = """
print(agent.run("Hi"), flush=True)
child = os.fork()
print(agent.run("Hi"), flush=True)
if child == 0:
    sys.exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    async with Upstream() as upstream:
        done = await asyncio.to_thread(run, script, f"'{upstream.url}/m'")
    assert (done.stdout.split("\n"), done.stderr) == (["Hello world"] * 3 + ["3", ""], "")
    assert upstream.connections == 2


async def test_ctrl_c_ends_a_run() -> None:
    script = "agent.run('Hi')"
    async with Upstream([Reply.silence()]) as upstream:
        program = (
            f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM.format(model=repr(f'{upstream.url}/m'))}\n{script}"
        )
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=asyncio.subprocess.PIPE)
        received = await asyncio.wait_for(upstream.received(), TIME_LIMIT)
        child.send_signal(2)
        _, complaints = await child.communicate()
        await received.closed_early.wait()
    assert complaints.rstrip().endswith(b"KeyboardInterrupt")


async def test_whoever_stops_waiting_stops_the_work() -> None:
    stopped = threading.Event()
    begun = threading.Event()

    async def work(core: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    waiting = asyncio.create_task(in_background(work))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(stopped.wait, 20)


async def test_what_was_started_from_a_loop_that_is_closed_is_told_so() -> None:
    agent = Agent("a", model=ScriptedModel())
    loops: list[Caller] = []

    async def start() -> None:
        loops.append(Caller())

    await asyncio.to_thread(lambda: asyncio.run(start()))
    with pytest.raises(Exception, match="the event loop that the run was started from is closed"):
        await loops[0].call(lambda: None)
    assert str(await agent.arun("Hi")) == "Hello world"


def test_event_loops_that_are_gone_are_not_held() -> None:
    agent = Agent("a", model=ScriptedModel())

    async def loop() -> weakref.ref[asyncio.AbstractEventLoop]:
        await agent.arun("Hi")
        return weakref.ref(asyncio.get_running_loop())

    first, second, _ = [asyncio.run(loop()) for _ in range(3)]
    gc.collect()
    assert (first(), second()) == (None, None)


async def test_a_reader_who_is_behind_is_given_time() -> None:
    heard: Channel[object] = Channel()
    host = PythonHost(Caller(), Context(), None, heard)  # type: ignore[arg-type]  # whatever it holds
    for number in range(100):
        host.emit(TextDelta(run_id="r", seq=number + 1, text="x"))
    assert not host.ready
    heard.close()
    assert len([event async for event in heard]) == 100
    assert host.ready


def test_variables_of_the_environment_count_from_now_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VLLM_BASE_URL", "http://one.example.org/v1")
    assert resolve_model("vllm/m").base_url == "http://one.example.org/v1"
    monkeypatch.setenv("VLLM_BASE_URL", "http://two.example.org/v1")
    assert resolve_model("vllm/m").base_url == "http://two.example.org/v1"


async def test_a_run_sees_the_environment_of_its_beginning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with Upstream() as upstream:
        monkeypatch.setenv("VLLM_BASE_URL", upstream.url)
        assert str(await Agent("a", model="vllm/m").arun("Hi")) == "Hello world"
        request = LLMRequest("", [Message("user", "Hi")])
        assert (await resolve_model("vllm/m").complete(request)).content == "Hello world"
    assert os.environ["VLLM_BASE_URL"] == upstream.url
