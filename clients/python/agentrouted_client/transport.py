"""How the daemon is reached: as a child, or over its socket."""

import asyncio
import collections
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from os import PathLike

from agentrouted_client.errors import DaemonGone

_SECONDS_TO_END = 5.0
_LINES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Transport:
    """A byte stream each way. `explain_end` says, once `reader` has ended, what became of the daemon."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    explain_end: Callable[[], Awaitable[str]]


@asynccontextmanager
async def spawned(command: Sequence[str], env: Mapping[str, str] | None) -> AsyncIterator[Transport]:
    """A daemon of our own, spoken to over its stdin and stdout; it has ended when this returns."""
    process = await _start(command, env)
    assert process.stdin and process.stdout and process.stderr
    last_lines: collections.deque[str] = collections.deque(maxlen=_LINES_KEPT)
    listening = asyncio.create_task(_keep_lines(process.stderr, last_lines))

    async def explain_end() -> str:
        await asyncio.wait([listening, asyncio.ensure_future(process.wait())], timeout=_SECONDS_TO_END)
        how = "closed its output" if process.returncode is None else f"ended with exit code {process.returncode}"
        said = "".join(f"\n  {line}" for line in last_lines)
        return f"the daemon ({' '.join(command)}) {how}" + (f"; the last it wrote was:{said}" if said else "")

    try:
        yield Transport(process.stdout, process.stdin, explain_end)
    finally:
        process.stdin.close()
        await _end(process)
        # Its children may hold the pipe open for longer than we want to listen.
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def joined(socket_path: str | PathLike[str]) -> AsyncIterator[Transport]:
    """The daemon that is listening on this Unix socket; it goes on when this returns."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path)
    except OSError as error:
        raise DaemonGone(f"no daemon listens at {socket_path}", "start one with `agentrouted serve`") from error

    async def explain_end() -> str:
        return f"the daemon at {socket_path} closed the connection"

    try:
        yield Transport(reader, writer, explain_end)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _start(command: Sequence[str], env: Mapping[str, str] | None) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        # In a session of its own, Ctrl-C at our terminal does not reach it: we decide what becomes of its runs.
        return await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True
        )
    except OSError as error:
        hint = "is agentrouted installed, and is its folder in PATH?"
        raise DaemonGone(f"cannot start {command[0]}: {error.strerror}", hint) from error


async def _keep_lines(stream: asyncio.StreamReader, lines: collections.deque[str]) -> None:
    rest = b""
    while data := await stream.read(4096):
        *complete, rest = (rest + data).split(b"\n")
        lines.extend(line.decode(errors="replace") for line in complete)
        rest = rest[-4096:]
    if rest:
        lines.append(rest.decode(errors="replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    for signal in (None, process.terminate, process.kill):
        with suppress(ProcessLookupError):
            if signal:
                signal()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _SECONDS_TO_END)
            return
