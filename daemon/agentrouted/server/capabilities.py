"""The answer to `initialize`: the same for every client."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic_core import to_json

from agentrouted.server.registry import COMMANDS, REQUESTS
from agentrouted_protocol.daemon import Advertised, Limits
from agentrouted_protocol.version import MIN_PROTOCOL_VERSION, PROTOCOL_VERSION, __version__

STATIC_FILE: Final = Path(__file__).with_name("initialize.json")
"""Generated, and read before anything else is imported: see `first_answer`."""

NOTIFICATIONS: Final = (
    "$/progress",
    "config/didReload",
    "run/event",
    "textDocument/publishDiagnostics",
    "usage/didReachBudget",
    "window/logMessage",
)


def initialize_result() -> dict[str, Any]:
    """LSP 3.17, `InitializeResult`. No document sync: else editors would send us every file."""
    advertised = Advertised(
        protocol_version=PROTOCOL_VERSION,
        min_protocol_version=MIN_PROTOCOL_VERSION,
        methods=sorted(REQUESTS),
        notifications=list(NOTIFICATIONS),
        limits=Limits(),
    )
    return {
        "capabilities": {
            # VS Code throws on any other.
            "positionEncoding": "utf-16",
            "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
            "executeCommandProvider": {"commands": sorted(COMMANDS)},
            "experimental": {"agentrouted": advertised.to_wire()},
        },
        "serverInfo": {"name": "agentrouted", "version": __version__},
    }


def render_static_file() -> str:
    return to_json(initialize_result(), indent=2).decode() + "\n"


@cache
def initialize_json() -> bytes:
    return to_json(initialize_result())
