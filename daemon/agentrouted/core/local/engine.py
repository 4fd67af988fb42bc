"""The embedded engine: models that run with no other software."""

import asyncio
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from agentrouted.core.errors import ModelMissing, ProviderUnreachable, Storage
from agentrouted.core.local.process import EngineProcess, EngineSettings, RunningEngine

# What a Unix socket's path may have on macOS, in bytes; Linux takes four more.
LONGEST_SOCKET_PATH = 103

USUAL = EngineSettings()


@dataclass(slots=True)
class _Seat:
    """The place of one model file: empty, or with the process that runs it. Who holds the lock fills or empties it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    process: EngineProcess | None = None


class Engines:
    """One child process for each model file in use, and one more where it makes embeddings, too: started on first use,
    again after a crash, ended by `aclose`.

    `folder` is for the sockets; it is made if missing, and must be ours alone (0700).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seats: dict[tuple[Path, bool], _Seat] = {}
        self._closed = False

    async def open(self, model: Path, settings: EngineSettings = USUAL) -> RunningEngine:
        """The server that runs this GGUF file. Callers at the same moment share one start.

        The settings count when it has to be started: one that runs is not interrupted for others.
        """
        path = _existing(model)
        seat = self._seats.setdefault((path, settings.embeddings), _Seat())
        async with seat.lock:
            if seat.process is not None and seat.process.engine is not None and await seat.process.answers():
                return seat.process.engine
            await _vacate(seat)
            return await self._start(path, seat, settings)

    @property
    def running(self) -> list[Path]:
        """The model files that have a process now."""
        return [*dict.fromkeys(path for (path, _), seat in self._seats.items() if seat.process is not None)]

    async def aclose(self) -> None:
        """Ends all children at once; their requests end with a closed connection."""
        self._closed = True
        for seat in self._seats.values():
            # One that still loads would not hear a polite word.
            if seat.process is not None and seat.process.engine is None:
                seat.process.kill()
        await asyncio.gather(*(_close(seat) for seat in self._seats.values()))

    async def _start(self, model: Path, seat: _Seat, settings: EngineSettings) -> RunningEngine:
        seat.process = await EngineProcess.spawn(model, _new_socket_path(self._folder))
        try:
            if self._closed:
                raise ProviderUnreachable(f"{model} is not started: the embedded engine is being shut down")
            return await seat.process.ready(settings)
        except BaseException:
            seat.process.kill()
            await _vacate(seat)
            raise


async def _close(seat: _Seat) -> None:
    async with seat.lock:
        await _vacate(seat)


async def _vacate(seat: _Seat) -> None:
    if seat.process is not None:
        process, seat.process = seat.process, None
        await process.stop()


def _existing(model: Path) -> Path:
    # Not resolved: the parts of a split model are found by the name of the first, which may be a link.
    path = model.absolute()
    if not path.is_file():
        raise ModelMissing(
            f"There is no model file at {path}",
            hint="`agentrouted models` lists what is here; `agentrouted models pull smollm2-135m` fetches a demo model",
        )
    return path


def _new_socket_path(folder: Path) -> Path:
    path = folder / f"{secrets.token_hex(4)}.sock"
    if len(bytes(path)) > LONGEST_SOCKET_PATH:
        raise Storage(
            f"The embedded engine cannot listen at {path}: a socket's path has at most {LONGEST_SOCKET_PATH} bytes",
            hint="set XDG_RUNTIME_DIR to a folder with a shorter path",
        )
    # One by one: the mode is not that of parents which are made on the way.
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Storage(
            f"The embedded engine does not listen in {folder}: others may enter that folder",
            hint=f"chown it to yourself and `chmod 700 {folder}`",
        )
    return path
