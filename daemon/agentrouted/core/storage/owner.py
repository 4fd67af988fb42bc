"""Which of the processes that use the database are alive."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from agentrouted.core.storage.locks import is_held


class Owner:
    """This process, as other processes see it: a file that it keeps locked as long as it lives.

    The kernel drops the lock with the process, whatever ends it. Unlike with a pid, nobody else can be taken for it
    later, and processes in containers that share the folder see each other. All methods block for a moment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        self.name = ""
        self._sweep()
        while True:
            self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
            self._descriptor = os.open(folder / self.name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            # Between the two lines above, another process may have swept it away as one that nobody holds.
            if (folder / self.name).exists():
                return
            os.close(self._descriptor)

    def gone(self, names: Iterable[str]) -> list[str]:
        """Those whose process has ended."""
        return [name for name in names if name != self.name and self._is_gone(name)]

    def release(self) -> None:
        """From now on this process counts as ended."""
        with contextlib.suppress(OSError):
            (self._folder / self.name).unlink()
        os.close(self._descriptor)

    def _is_gone(self, name: str) -> bool:
        try:
            return not is_held(self._folder / name)
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def _sweep(self) -> None:
        """Remove the files of processes that were killed: an owner without a file is gone, too."""
        for name in self.gone(file.name for file in list(self._folder.iterdir())):
            (self._folder / name).unlink(missing_ok=True)
