"""The own files of all folders that clients work in."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from os.path import normpath
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from agentrouted.core.config.content import Content, read_untrusted, saved
from agentrouted.core.config.own_file import FILE_NAME, OwnFile
from agentrouted.core.config.own_file_reading import own_file_of, unanswered

# Seconds between two looks at a file, and those that its disk is waited for.
_PAUSE: Final = 1.0
_PATIENCE: Final = 1.0

# Disks that may fail to answer at the same time, until no own file is looked at any more.
_MOST_READERS: Final = 8

_NOTHING: Final = Content(None)


class OwnFiles:
    """Each is looked at now and then, as long as somebody works there; not by the loop, nor by who watches the config:
    a folder may lie on a disk that does not answer, and whoever only asks whether the file is there waits for ever.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.current: Mapping[str, OwnFile] = {}
        """By folder; only where there is one."""

        self._changed = changed
        self._folders: dict[str, _Folder] = {}
        self._due: SimpleQueue[_Folder] = SimpleQueue()
        self._under_way = self._readers = 0
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, folders: Iterable[str]) -> None:
        """Somebody works there, until `leave`."""
        for path in _paths(folders):
            self._folders.setdefault(path, _Folder(Path(path) / FILE_NAME)).users += 1
        if self._timer is None and self._folders:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._look_again)
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
            self._read_soon(folder)
        try:
            async with asyncio.timeout(_PATIENCE):
                for seen in asked.values():
                    await seen.wait()
        except TimeoutError:
            for folder, seen in asked.items():
                if folder.answers:
                    # It is the machine that is slow.
                    await seen.wait()
                elif not folder.was_seen:
                    folder.own = unanswered(folder.file)
            self._update()

    def _look_again(self) -> None:
        self._folders = {path: each for path, each in self._folders.items() if each.users or each.is_due}
        for folder in self._folders.values():
            self._read_soon(folder)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_PAUSE, self._look_again) if self._folders else None

    def _read_soon(self, folder: "_Folder") -> None:
        if folder.is_due:
            return
        folder.is_due, folder.answers = True, False
        self._due.put(folder)
        self._under_way += 1
        if self._readers < min(self._under_way, _MOST_READERS):
            self._readers += 1
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, args=(loop,), name="own-files", daemon=True).start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            folder = self._due.get()
            asked, folder.asked = folder.asked, []
            own = folder.look()
            try:
                loop.call_soon_threadsafe(self._seen, folder, own, asked)
            except RuntimeError:
                # It is closed: nobody works anywhere any more.
                return

    def _seen(self, folder: "_Folder", own: OwnFile | None, asked: "list[asyncio.Event]") -> None:
        self._under_way -= 1
        folder.is_due, folder.was_seen = False, True
        is_new, folder.own = own is not folder.own, own
        if is_new:
            self._update()
        for seen in asked:
            seen.set()
        if folder.asked:
            self._read_soon(folder)

    def _update(self) -> None:
        now = {path: each.own for path, each in self._folders.items() if each.users and each.own}
        if now != self.current:
            self.current = now
            self._changed()


class _Folder:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.users = 0
        self.own: OwnFile | None = None
        self.was_seen = False
        self.is_due = False
        self.answers = False
        """Whether the file has been read, of a look that has begun."""

        self.asked: list[asyncio.Event] = []
        """Who waits for a look that has not begun."""

    def look(self) -> OwnFile | None:
        before = self.own
        said = before.content if before else _NOTHING
        content = saved(lambda: read_untrusted(self.file), lambda now: now.is_emptied(said))
        self.answers = True
        return own_file_of(self.file, content, before)


def _paths(folders: Iterable[str]) -> set[str]:
    """As they stand in a snapshot. Any other name of a client's is no place on the disk."""
    return {normpath(folder) for folder in folders if folder.startswith("/") and "\0" not in folder}
