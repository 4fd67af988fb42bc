"""A key that a command of the user's writes to its stdout."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from agentrouted.core.key_source import CommandKey
from agentrouted.core.keys.base import NoKey
from agentrouted.core.secrets import without_keys

_MOST_BYTES: Final = 65536
_BEGINNING: Final = slice(_MOST_BYTES)
_END: Final = slice(-_MOST_BYTES, None)
_SHORTEST_SECRET: Final = 4

# What has ended has written all that it will; whoever it has started, such as an agent, may hold its output open.
_GRACE_SECONDS: Final = 0.5


async def key_of_command(source: CommandKey, home: Path | None) -> SecretStr:
    """The first line that it writes. Started without a shell and in the home folder, with nothing to read."""
    program = source.argv[0]
    mend = f"run `{program}` in a terminal as the config has it: the key must be the first line that it writes"
    try:
        async with asyncio.timeout(source.timeout):
            code, said, complained = await _run(source.argv, home)
    except OSError as error:
        # TimeoutError is one, too.
        late = isinstance(error, TimeoutError)
        why = f"did not end within {source.timeout:g} s" if late else f"cannot be started: {error.strerror}"
        hint = mend if late else f"install `{program}`, or write its whole path; no shell looks for it"
        raise NoKey(f"the command `{program}` {why}", hint) from None
    key = said.partition("\n")[0].strip()
    if code:
        last = _last_line(complained, key)
        raise NoKey(f"the command `{program}` ended with exit code {code}" + (f": {last}" if last else ""), mend)
    if not key:
        raise NoKey(f"the command `{program}` wrote no key", mend)
    return SecretStr(key)


async def _run(argv: tuple[str, ...], home: Path | None) -> tuple[int | None, str, str]:
    """Exit code, beginning of stdout, end of stderr. What it started is killed with it, however this ends."""
    # With a session of its own it cannot ask anything on the terminal of the daemon.
    process, output = await asyncio.get_running_loop().subprocess_exec(
        _Output, *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, cwd=home, start_new_session=True
    )
    try:
        await output.has_ended.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await output.is_closed.wait()
        return (
            process.get_returncode(),
            output.said.decode(errors="replace"),
            output.complained.decode(errors="replace"),
        )
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.get_pid(), signal.SIGKILL)
        await output.has_ended.wait()
        process.close()


class _Output(asyncio.SubprocessProtocol):
    """Keeps the beginning of stdout and the end of stderr."""

    def __init__(self) -> None:
        self.said = self.complained = b""
        self.has_ended, self.is_closed = asyncio.Event(), asyncio.Event()
        self._open = {1, 2}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.said = (self.said + data)[_BEGINNING]
        else:
            self.complained = (self.complained + data)[_END]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.is_closed.set()

    def process_exited(self) -> None:
        self.has_ended.set()


def _last_line(complained: str, key: str) -> str:
    """What it said last on stderr, without the key that it may have written as well."""
    last = next((line.strip() for line in reversed(complained.splitlines()) if line.strip()), "")
    if len(key) >= _SHORTEST_SECRET:
        last = last.replace(key, "[key]")
    return without_keys(last)[:300]
