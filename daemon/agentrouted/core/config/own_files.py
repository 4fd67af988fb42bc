"""The own files of all folders that clients work in."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from os.path import normpath
from typing import Final

from agentrouted.core.config.content import Content, saved
from agentrouted.core.config.own_file import OwnFile
from agentrouted.core.config.own_file_reading import read_own_file, unanswered

# Seconds between two looks at a file, and those that a look is waited for.
_PAUSE: Final = 1.0
_PATIENCE: Final = 1.0

_NOTHING: Final = Content(None)


class OwnFiles:
    """Each is looked at by a thread of its own, as long as somebody works there: a folder may lie on a disk that does
    not answer, and whoever only asks whether it is there waits for ever.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.current: Mapping[str, OwnFile] = {}
        """By folder; only where there is one."""

        self._changed = changed
        self._folders: dict[str, _Folder] = {}

    def enter(self, folders: Iterable[str]) -> None:
        """Somebody works there, until `leave`."""
        for path in _paths(folders):
            folder = self._folders.setdefault(path, _Folder(path))
            folder.users += 1
            if not folder.is_followed:
                self._follow(folder)
        # Of a folder that was left a moment ago the file is known still, and no news.
        self._update()

    def leave(self, folders: Iterable[str]) -> None:
        for path in _paths(folders):
            self._folders[path].users -= 1
        self._update()

    async def look(self, folders: Iterable[str]) -> None:
        """Read them now. What does not answer in time is followed further on."""
        asked = {self._folders[path]: asyncio.Event() for path in _paths(folders) if path in self._folders}
        for folder, seen in asked.items():
            folder.asked.append(seen)
            folder.wake.set()
        try:
            async with asyncio.timeout(_PATIENCE):
                for seen in asked.values():
                    await seen.wait()
        except TimeoutError:
            for folder in asked:
                if not folder.was_seen:
                    folder.own = unanswered(folder.path)
            self._update()

    def _follow(self, folder: "_Folder") -> None:
        folder.is_followed = True
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, args=(folder, loop), name="own-file", daemon=True).start()

    def _run(self, folder: "_Folder", loop: asyncio.AbstractEventLoop) -> None:
        try:
            while folder.users:
                folder.wake.clear()
                asked, folder.asked = folder.asked, []
                loop.call_soon_threadsafe(self._seen, folder, _read(folder), asked)
                folder.wake.wait(_PAUSE)
            loop.call_soon_threadsafe(self._left, folder)
        except RuntimeError:
            # The loop is closed: nobody works anywhere any more.
            return

    def _seen(self, folder: "_Folder", own: OwnFile | None, asked: "list[asyncio.Event]") -> None:
        is_new, folder.own, folder.was_seen = own is not folder.own, own, True
        if is_new:
            self._update()
        for seen in asked:
            seen.set()

    def _left(self, folder: "_Folder") -> None:
        if folder.users:
            self._follow(folder)
        else:
            del self._folders[folder.path]

    def _update(self) -> None:
        now = {path: each.own for path, each in self._folders.items() if each.users and each.own}
        if now != self.current:
            self.current = now
            self._changed()


class _Folder:
    def __init__(self, path: str) -> None:
        self.path = path
        self.users = 0
        self.own: OwnFile | None = None
        self.was_seen = False
        self.is_followed = False
        self.wake = threading.Event()
        self.asked: list[asyncio.Event] = []
        """Who waits for a look that has not begun."""


def _read(folder: _Folder) -> OwnFile | None:
    before = folder.own
    said = before.content if before else _NOTHING
    return saved(
        lambda: read_own_file(folder.path, before), lambda own: (own.content if own else _NOTHING).is_emptied(said)
    )


def _paths(folders: Iterable[str]) -> set[str]:
    """As they stand in a snapshot. Any other name of a client's is no place on the disk."""
    return {normpath(folder) for folder in folders if folder.startswith("/") and "\0" not in folder}
