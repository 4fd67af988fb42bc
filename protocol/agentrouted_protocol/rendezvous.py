"""Where a user's shared daemon and its clients meet."""

# Standard library only: `agentrouted connect` must be up in a blink.

import os
import tempfile
from pathlib import Path

from agentrouted_protocol.version import PROTOCOL_VERSION


def default_socket_path() -> Path:
    """`$XDG_RUNTIME_DIR/agentrouted/v1.sock`; without that variable, in a folder of this user's under the temporary one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime, "agentrouted") if runtime else Path(tempfile.gettempdir(), f"agentrouted-{os.getuid()}")
    return folder / f"v{PROTOCOL_VERSION}.sock"
