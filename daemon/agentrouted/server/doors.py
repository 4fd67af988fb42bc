"""The ways in: which door is opened, and until when."""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agentrouted.core.agent.configured_vectors import vectors_filled
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import AgentroutedError, InvalidParams
from agentrouted.core.services import open_services
from agentrouted.server.daemon import Daemon
from agentrouted.server.lifecycle import end_on_signals
from agentrouted.server.logs import log_to_file
from agentrouted.server.transports.dial import dial_pipe, dial_port
from agentrouted.server.transports.stdio import open_stdio
from agentrouted.server.transports.unix import listen, own_socket
from agentrouted_protocol.rendezvous import default_socket_path

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Door:
    """What was asked for on the command line, and what has happened at the door so far."""

    options: Mapping[str, str]
    read_fd: int
    write_fd: int
    parent: int
    """The process that started this one, as it was at the start."""

    unread: bytes = b""
    """Read from stdin before all this was loaded."""

    initialize: Any = None
    """The params of an `initialize` that was answered before all this was loaded."""

    seen: frozenset[int] = frozenset()
    """Processes of the client that were there when they were named."""

    @property
    def socket_path(self) -> Path:
        path = self.options.get("--listen")
        return Path(path).absolute() if path else default_socket_path()

    @property
    def port(self) -> int:
        text = self.options["--socket"]
        if not text.isascii() or not text.isdigit():
            raise InvalidParams(f"--socket takes a number, not `{text}`")
        return int(text)


def run(door: Door, warnings: Sequence[str]) -> int:
    """Serve until the end; the exit code. `warnings` about the command line are told on stderr.

    The caller is to leave with `os._exit`: threads may still wait.
    """
    try:
        return asyncio.new_event_loop().run_until_complete(_serve(door, warnings))
    except AgentroutedError as error:
        hint = f"hint: {error.hint}\n" if error.hint else ""
        os.write(2, f"error: {error.message}\n{hint}".encode())
        return 1


async def _serve(door: Door, warnings: Sequence[str]) -> int:
    environment = Environment.of_process()
    with log_to_file(environment.state_folder, "serve" if "serve" in door.options else "stdio"):
        for warning in warnings:
            logger.warning("%s", warning)
        try:
            return await _serve_at(door, environment)
        except AgentroutedError as error:
            logger.info("ended: %s", error.message)
            raise


async def _serve_at(door: Door, environment: Environment) -> int:
    async with open_services(environment, door.options.get("--config")) as services, vectors_filled(services):
        daemon = Daemon(services, door.seen)
        end_on_signals(daemon.stop)
        async with _opened(door, daemon):
            # What is loaded now stays: a full collection must not look through it, 30 ms each time.
            gc.freeze()
            await daemon.wait()
        await daemon.aclose()
        return daemon.exit_code


@contextlib.asynccontextmanager
async def _opened(door: Door, daemon: Daemon) -> AsyncIterator[None]:
    if "serve" in door.options:
        async with _listening(door.socket_path, daemon):
            yield
        return
    if "--clientProcessId" in door.options:
        daemon.processes.watch(int(door.options["--clientProcessId"]))
    link = daemon.owned_link(door.unread, door.initialize)
    if "--pipe" in door.options:
        await dial_pipe(link, door.options["--pipe"])
    elif "--socket" in door.options:
        await dial_port(link, door.port)
    else:
        daemon.processes.watch_parent(door.parent)
        await open_stdio(link, door.read_fd, door.write_fd)
    yield


@contextlib.asynccontextmanager
async def _listening(path: Path, daemon: Daemon) -> AsyncIterator[None]:
    with own_socket(path) as own:
        server = await listen(own.listener, daemon.shared_link)
        daemon.serving(path)
        logger.info("serving %s", path)
        watching = asyncio.create_task(_stop_without(path, own.inode, daemon))
        try:
            yield
        finally:
            watching.cancel()
            server.close()


async def _stop_without(path: Path, inode: int, daemon: Daemon) -> None:
    """A daemon whose socket somebody has removed can't be reached any more, nor replaced while it has the lock."""
    while _inode(path) == inode:  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(_LOOK_SECONDS)
    daemon.stop(f"{path} is gone")


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
