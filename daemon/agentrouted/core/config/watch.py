"""Tells when a file may say something else than before."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path

STEP = 10
"""Milliseconds between two looks at what the system reported; a change is told after one quiet step."""

DEBOUNCE = 50
"""Milliseconds after which a change is told even if more go on coming."""

LOOK_AGAIN = 2000
"""Milliseconds after which the files are looked at even if nothing was reported, as on some network disks."""

_MAX_LINKS = 40
_ROOT = Path("/")


async def changes(paths: Sequence[Path]) -> AsyncGenerator[None]:
    """Yield whenever what one of `paths` leads to may have changed, and once at the start, when watching has begun.

    The folders are watched, never the files: a file that is replaced takes its watch with it. The thread is our own,
    since one of the executor would keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    woken, ended, stop = asyncio.Event(), asyncio.Event(), threading.Event()

    def end() -> None:
        ended.set()
        woken.set()

    def run() -> None:
        try:
            watch(paths, lambda: loop.call_soon_threadsafe(woken.set), stop)
        finally:
            # In one call, for nobody waits for a second one: the loop may be closed by then.
            loop.call_soon_threadsafe(end)

    threading.Thread(target=run, name="config-watch", daemon=True).start()
    try:
        while not ended.is_set():
            await woken.wait()
            woken.clear()
            yield
    finally:
        stop.set()
        # A thread that still is in native code when the interpreter ends would crash it, so a cancel does not hurry it.
        waiting = asyncio.ensure_future(ended.wait())
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            await waiting
            raise


def watch(paths: Sequence[Path], changed: Callable[[], object], stop: threading.Event) -> None:
    """Call `changed` after each change, until `stop` is set."""
    while not stop.is_set():
        try:
            _watch_folders(paths, changed, stop)
        except FileNotFoundError:
            # The folder went away just now; the next one is another.
            stop.wait(STEP / 1000)
        except (OSError, RuntimeError):
            # The system has no more watches to give, or does not let us look: see for ourselves, now and then.
            changed()
            stop.wait(LOOK_AGAIN / 1000)


def _watch_folders(paths: Sequence[Path], changed: Callable[[], object], stop: threading.Event) -> None:
    # Loaded here, in the thread: it costs more than all else at the start.
    from watchfiles._rust_notify import RustNotify

    folders, names = _folders(paths), _names(paths)
    identities = _identities(folders)
    with RustNotify([str(folder) for folder in folders], False, False, 0, False, False) as notify:
        stamps = _stamps(paths)
        # What happened before the watch was there is not reported.
        changed()
        while True:
            reported = notify.watch(DEBOUNCE, STEP, LOOK_AGAIN, stop)
            if reported == "stop":
                return
            earlier, stamps = stamps, _stamps(paths)
            reports = {Path(path) for _, path in reported} if isinstance(reported, set) else set()
            moved = not folders.isdisjoint(reports)
            is_told = any(report.name.casefold() in names for report in reports)
            if reports and stamps == earlier and not (is_told or moved):
                # The database may be in the same folder, and every step of a run is written there.
                continue
            if reported != "timeout" or stamps != earlier:
                changed()
            # A watch follows the folder it was given, also to another name, and ends with it.
            if moved or (_folders(paths), _names(paths)) != (folders, names) or _identities(folders) != identities:
                return


def _folders(paths: Iterable[Path]) -> frozenset[Path]:
    # A change in the root folder is not worth what it costs: macOS would report every file of the disk.
    return frozenset(each.parent for path in paths for each in _on_the_way(path)) - {_ROOT}


def _names(paths: Iterable[Path]) -> frozenset[str]:
    # Without their folders: some systems tell of a file by another way than the one it is watched by.
    return frozenset(each.name.casefold() for path in paths for each in _on_the_way(path))


def _on_the_way(path: Path, links: int = 0) -> set[Path]:
    """What has to change for `path` to lead to another file, or to another content.

    These are each symbolic link on the way, and the file, or the first that does not exist.
    """
    for step in [*reversed(path.parents), path]:
        if step.is_symlink() and links < _MAX_LINKS:
            target = Path(os.path.normpath(step.parent / step.readlink()))
            return {step} | _on_the_way(target / path.relative_to(step), links + 1)
        if not step.exists():
            return {step}
    return {path}


def _identities(folders: Iterable[Path]) -> list[tuple[Path, int, int]]:
    found = ((folder, folder.stat()) for folder in sorted(folders))
    return [(folder, status.st_dev, status.st_ino) for folder, status in found]


def _stamps(paths: Iterable[Path]) -> list[tuple[int, int, int] | None]:
    return [_stamp(path) for path in paths]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
