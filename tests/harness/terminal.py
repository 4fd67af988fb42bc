"""A program on a terminal, of so many columns."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

from harness.peer import TIME_LIMIT, clean_environment


def on_terminal(home: Path, *command: str, columns: int = 80, **environment: str) -> str:
    """All that it writes there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    environment = clean_environment(home, **{"TERM": "xterm", **environment})
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        screen = b""
        while data := read_terminal(ours):
            screen += data
        os.close(ours)
        process.wait(TIME_LIMIT)
    return screen.decode().replace("\r\n", "\n")


def read_terminal(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:
        # Linux says the end of a terminal with an error.
        return b""
