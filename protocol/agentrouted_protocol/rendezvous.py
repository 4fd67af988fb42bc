"""Where a user's shared daemon and its clients meet."""

# Standard library only: `agentrouted connect` must be up in a blink.

import os
from collections.abc import Mapping
from pathlib import Path

from agentrouted_protocol.version import PROTOCOL_VERSION


def default_socket_path() -> Path:
    """The Unix socket of the shared daemon, for a process with our environment."""
    return runtime_folder(os.environ) / f"v{PROTOCOL_VERSION}.sock"


def lock_path(socket: Path) -> Path:
    """The file whose `flock` the daemon holds that serves this socket. The file stays, also when it has ended."""
    return socket.with_name(f"{socket.name}.lock")


def runtime_folder(environ: Mapping[str, str]) -> Path:
    """`$XDG_RUNTIME_DIR/agentrouted`; without that variable, a folder of this user's among the temporary ones."""
    if runtime := _folder(environ, "XDG_RUNTIME_DIR"):
        return runtime / "agentrouted"
    return (_folder(environ, "TMPDIR") or Path("/tmp")) / f"agentrouted-{os.getuid()}"


def _folder(environ: Mapping[str, str], variable: str) -> Path | None:
    # The XDG Base Directory Specification: a relative path in these variables is to be ignored.
    value = environ.get(variable, "")
    return Path(value) if value.startswith("/") else None
