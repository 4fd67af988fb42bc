"""Keys that a command writes, with real processes."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from harness.pipes import held_open

from agentrouted.core.key_source import CommandKey
from agentrouted.core.keys.base import NoKey
from agentrouted.core.keys.command import key_of_command

TIME_LIMIT = 20.0


def shell(script: str, timeout: float = TIME_LIMIT) -> CommandKey:
    return CommandKey(("sh", "-c", script), timeout, 0)


async def key(source: CommandKey, home: Path | None = None) -> str:
    return (await key_of_command(source, home)).get_secret_value()


async def refusal(source: CommandKey) -> NoKey:
    with pytest.raises(NoKey) as caught:
        await key_of_command(source, None)
    return caught.value


@pytest.mark.parametrize(
    "script", ["echo k-1", "printf k-1", "printf '  k-1\\r\\n'", "echo k-1; echo more; echo noise >&2"]
)
async def test_the_first_line_is_the_key(script: str) -> None:
    assert await key(shell(script)) == "k-1"


async def test_arguments_are_not_read_by_a_shell() -> None:
    assert await key(CommandKey(("printf", "%s", "$HOME `id` ;*"), TIME_LIMIT, 0)) == "$HOME `id` ;*"


async def test_it_is_started_in_the_home_folder(tmp_path: Path) -> None:
    assert Path(await key(shell("pwd -P"), tmp_path)) == tmp_path.resolve()


async def test_it_has_nothing_to_read_and_no_terminal() -> None:
    assert await key(shell("cat; (: < /dev/tty) 2>/dev/null && echo terminal || echo none")) == "none"


async def test_it_has_the_environment_of_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAME", "mine")
    assert await key(shell("echo $VAULT_NAME")) == "mine"


async def test_output_without_end_is_no_flood() -> None:
    program = "import os\nfor _ in range(500): os.write(1, b'k' * 65536 if _ else b'k-1\\n'); os.write(2, b'n' * 65536)"
    assert await key(CommandKey((sys.executable, "-c", program), TIME_LIMIT, 0)) == "k-1"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'not signed in' >&2; echo >&2; exit 3", "the command `sh` ended with exit code 3: not signed in"),
        ("exit 1", "the command `sh` ended with exit code 1"),
        ("echo k-12345; echo wrote k-12345 >&2; exit 1", "the command `sh` ended with exit code 1: wrote [key]"),
        ("echo token sk-0123456789 >&2; exit 1", "the command `sh` ended with exit code 1: token [key]"),
        ("kill -9 $$", "the command `sh` ended with exit code -9"),
        ("echo", "the command `sh` wrote no key"),
        (":", "the command `sh` wrote no key"),
        ("echo; echo k-1", "the command `sh` wrote no key"),
    ],
)
async def test_a_command_without_a_key_is_named_with_its_last_words(script: str, why: str) -> None:
    assert (await refusal(shell(script))).why == why


async def test_a_command_that_is_not_there_is_named() -> None:
    error = await refusal(CommandKey(("no-such-program", "sk-secret"), TIME_LIMIT, 0))
    assert error.why == "the command `no-such-program` cannot be started: No such file or directory"
    assert "no-such-program" in error.mend


async def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    async with held_open(tmp_path / "held") as (reader, ours):
        # The child of the shell holds the pipe open as long as it lives.
        source = shell(f"sh -c 'echo begun >&3; exec sleep 1000' 3> {tmp_path}/held & wait", timeout=1)
        assert (await refusal(source)).why == "the command `sh` did not end within 1 s"
        os.close(ours)
        assert await reader.read() == b"begun\n"


@pytest.mark.parametrize("said", ["echo k-1", "echo k-1; exit 1"])
async def test_a_command_that_has_ended_is_not_waited_for_and_what_it_started_is_ended(
    said: str, tmp_path: Path
) -> None:
    async with held_open(tmp_path / "held") as (reader, ours):
        # The child has the stdout and stderr of the shell open as long as it lives.
        source = shell(f"sh -c 'exec sleep 1000' 3> {tmp_path}/held & {said}", timeout=1000)
        if "exit" in said:
            assert "exit code 1" in (await refusal(source)).why
        else:
            assert await key(source) == "k-1"
        os.close(ours)
        assert await reader.read() == b""


async def test_an_agent_that_left_the_group_does_not_hold_up_its_key(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stop")
    agent = "import os, sys\nif os.fork(): print('k-1')\nelse: os.setsid(); open('stop').read()"
    assert await key(CommandKey((sys.executable, "-c", agent), 1000, 0), tmp_path) == "k-1"
    with await asyncio.to_thread(open, tmp_path / "stop", "w"):
        pass  # the agent, which lives still, reads the end of it and ends


async def test_a_command_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    async with held_open(tmp_path / "held") as (reader, ours):
        waiting = asyncio.create_task(key(shell(f"exec 3> {tmp_path}/held; echo begun >&3; exec sleep 1000")))
        assert await reader.readline() == b"begun\n"
        waiting.cancel()
        os.close(ours)
        assert await reader.read() == b""
    with pytest.raises(asyncio.CancelledError):
        await waiting
