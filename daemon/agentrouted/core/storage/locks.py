"""Files that a process keeps locked while it lives."""

import fcntl
import os
from pathlib import Path


def is_held(path: Path) -> bool:
    """Whether some process has it locked. The kernel drops a lock with its process, whatever ends it.

    Raises `OSError` where that cannot be seen, `FileNotFoundError` where there is no such file.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        # Shared, so that two who ask at once do not take each other for the one who has it.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
