"""Whether a process is there."""

# Standard library only: this is asked before anything else is loaded.

import os


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
