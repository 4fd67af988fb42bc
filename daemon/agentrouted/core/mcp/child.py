"""A server that is a child process: JSON-RPC, line by line."""

import asyncio
import contextlib
import math
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from agentrouted.core.config.environment import home_of
from agentrouted.core.config.mcp_server import McpServer

# Seconds between the end of stdin, SIGTERM and SIGKILL.
_GRACE: Final = 0.4
_LONGEST_LINE: Final = 64 * 1024 * 1024
_LAST_WORDS: Final = 4096

# What a program needs to find its way; none of it is a secret.
_PASSED_ON: Final = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


class Child(asyncio.SubprocessProtocol):
    """The process from its start to its end, as the transport of the library's client.

    Not the library's own: that one leaves what the server has started alive, takes lines of any length, and keeps no
    word of what was said on stderr.
    """

    def __init__(self, settings: McpServer, environ: Mapping[str, str], over: asyncio.Event) -> None:
        """`over` is set when the process has ended, for whatever reason."""
        self._over = over
        self._reaped = asyncio.Event()
        self._heard_out = asyncio.Event()
        self._settings = settings
        self._environ = environ
        self._line = bytearray()
        self._tail = b""
        self._is_left = False
        self._ended_itself = False
        self._exit_code: int | None = None

    has_forgotten = False
    """A pipe has no session that could be forgotten."""

    @property
    def last_words(self) -> str:
        """How the process ended if it did so by itself, and the last line on its stderr."""
        lines = self._tail.decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        end = "" if self._exit_code is None else f"exit code {self._exit_code}"
        return ": ".join(filter(None, (end, said)))

    async def __aenter__(self) -> tuple[MemoryObjectReceiveStream[SessionMessage | Exception], "_Stdin"]:
        assert self._settings.command is not None
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: self,
            self._settings.command,
            *self._settings.args,
            env=_variables(self._settings, self._environ),
            cwd=_folder(self._settings, home_of(self._environ)),
            # A group of its own, so that what it starts can be ended with it, and Ctrl-C here is not meant for it.
            start_new_session=True,
        )
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        return self._receiver, _Stdin(stdin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left = True
        stdin = self._transport.get_pipe_transport(0)
        try:
            if stdin is not None:
                stdin.close()
            if not await _soon(self._reaped):
                self._signal(signal.SIGTERM)
                await _soon(self._reaped)
        finally:
            self._signal(signal.SIGKILL)
            await _soon(self._heard_out)
            self._transport.close()
            self._sender.close()
            self._receiver.close()

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader as long as anything is left of it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), number)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        self._sender, self._receiver = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._tail = (self._tail + data)[-_LAST_WORDS:]
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._take(bytes(self._line) + line)
            self._line.clear()
        self._line += rest
        if len(self._line) > _LONGEST_LINE:
            self._line.clear()
            self._tail = b"it wrote a line without end on its stdout"
            self._transport.kill()

    def _take(self, line: bytes) -> None:
        # Some servers greet on stdout; what is no message is passed over, and if no answer comes the timeout tells.
        with contextlib.suppress(ValueError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._sender.send_nowait(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._ended_itself = not self._is_left
            self._sender.close()

    def process_exited(self) -> None:
        if self._ended_itself or not self._is_left:
            self._exit_code = self._transport.get_returncode()
        # What it has started goes with it, and lets go of the pipes.
        self._signal(signal.SIGKILL)
        self._reaped.set()
        self._over.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard_out.set()


class _Stdin:
    """The way in, as the library writes to it."""

    def __init__(self, pipe: asyncio.WriteTransport) -> None:
        self._pipe = pipe

    async def send(self, item: SessionMessage, /) -> None:
        if self._pipe.is_closing():
            raise anyio.BrokenResourceError
        self._pipe.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

    async def aclose(self) -> None:
        self._pipe.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _soon(event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            await event.wait()
    return event.is_set()


def _variables(settings: McpServer, environ: Mapping[str, str]) -> dict[str, str]:
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    return passed_on | {name: value.get_secret_value() for name, value in settings.env.items()}


def _folder(settings: McpServer, home: Path | None) -> Path | None:
    if settings.cwd is None:
        return home
    return home / settings.cwd[2:] if home and settings.cwd.startswith("~/") else Path(settings.cwd)
