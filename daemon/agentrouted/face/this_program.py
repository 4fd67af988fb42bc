"""Who asks, where a Python program does."""

import os
from pathlib import Path

from agentrouted.core.usage.call import Caller


def this_program() -> Caller:
    try:
        folder = str(Path.cwd())
    except OSError:
        # It is gone.
        folder = ""
    return Caller(name="python", process=os.getpid(), workspace=folder, folders=(folder,))
