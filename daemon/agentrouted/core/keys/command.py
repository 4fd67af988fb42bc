"""A key that a command of the user's writes to its stdout."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
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


async def _run(argv: tuple[str, ...], home: Path | None) -> tuple[int, str, str]:
    """Exit code, beginning of stdout, end of stderr. It is killed, with what it started, when we are stopped."""
    # With a session of its own it cannot ask anything on the terminal of the daemon.
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, cwd=home, start_new_session=True
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        out, err = await asyncio.gather(_read(process.stdout, _BEGINNING), _read(process.stderr, _END))
        return await process.wait(), out.decode(errors="replace"), err.decode(errors="replace")
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _read(stream: asyncio.StreamReader, part: slice) -> bytes:
    kept = b""
    while piece := await stream.read(_MOST_BYTES):
        kept = (kept + piece)[part]
    return kept


def _last_line(complained: str, key: str) -> str:
    """What it said last on stderr, without the key that it may have written as well."""
    last = next((line.strip() for line in reversed(complained.splitlines()) if line.strip()), "")
    if len(key) >= _SHORTEST_SECRET:
        last = last.replace(key, "[key]")
    return without_keys(last)[:300]
