"""The methods of LSP 3.17 that we speak too, as data."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class LspMethod:
    """One row. Params and results are LSP's own; what we add to those of `initialize` is in `daemon.py`."""

    name: str
    kind: Literal["request", "notification"]
    direction: Literal["clientToDaemon", "daemonToClient", "both"]
    summary: str


_ROWS = (
    LspMethod("initialize", "request", "clientToDaemon", "The first message; unknown fields in it are ignored."),
    LspMethod("initialized", "notification", "clientToDaemon", "The client has read the answer to `initialize`."),
    LspMethod("shutdown", "request", "clientToDaemon", "The last request; later ones are refused."),
    LspMethod("exit", "notification", "clientToDaemon", "Close. Exit code 0 after `shutdown`, else 1."),
    LspMethod("$/cancelRequest", "notification", "both", "`{id}`: the answer to that request is no longer wanted."),
    LspMethod("$/progress", "notification", "daemonToClient", "`{token, value}`, where a token was given."),
    LspMethod(
        "$/setTrace",
        "notification",
        "clientToDaemon",
        "`{value}`: with `messages` or `verbose`, also `trace` in `initialize`, `window/logMessage` tells more.",
    ),
    LspMethod(
        "window/workDoneProgress/cancel", "notification", "clientToDaemon", "`{token}`: end the run that it shows."
    ),
    LspMethod(
        "workspace/didChangeConfiguration",
        "notification",
        "clientToDaemon",
        "`{settings: {agentrouted: ClientOptions}}`: change those options that are named.",
    ),
    LspMethod(
        "workspace/didChangeWorkspaceFolders",
        "notification",
        "clientToDaemon",
        "`{event: {added, removed}}`: the folders that the client works in are others now.",
    ),
    LspMethod(
        "workspace/executeCommand", "request", "clientToDaemon", "`{command, arguments}`: a main method, quickly."
    ),
    LspMethod(
        "textDocument/publishDiagnostics", "notification", "daemonToClient", "Problems of the configuration file."
    ),
    LspMethod(
        "window/logMessage",
        "notification",
        "daemonToClient",
        "`{type, message}`: warnings and errors of the daemon's log, which all clients share.",
    ),
)

LSP_METHODS: Final[dict[str, LspMethod]] = {row.name: row for row in _ROWS}
