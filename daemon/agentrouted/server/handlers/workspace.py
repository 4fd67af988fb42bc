"""The notifications of LSP that mean something to us."""

from typing import Any

from agentrouted.server.session import ClientSession, paths_of


def initialized(session: ClientSession, params: Any) -> None:
    session.tell_problems()


def set_trace(session: ClientSession, params: Any) -> None:
    """LSP 3.17, `$/setTrace`: how much of the log the client wants to be told."""
    session.log.trace(params.get("value") if isinstance(params, dict) else None)


def cancel_progress(session: ClientSession, params: Any) -> None:
    """LSP 3.17, `window/workDoneProgress/cancel`: the user pressed cancel on a progress."""
    session.cancel_with(params.get("token") if isinstance(params, dict) else None)


def did_change_configuration(session: ClientSession, params: Any) -> None:
    """Settings of the editor: `{settings: {agentrouted: ClientOptions}}` changes what `initialize` said."""
    settings = params.get("settings") if isinstance(params, dict) else None
    if isinstance(settings, dict) and "agentrouted" in settings:
        session.change_options(settings["agentrouted"])


def did_change_folders(session: ClientSession, params: Any) -> None:
    """LSP 3.17, `workspace/didChangeWorkspaceFolders`: `{event: {added, removed}}`."""
    event = params.get("event") if isinstance(params, dict) else None
    if isinstance(event, dict):
        session.change_folders(paths_of(event.get("added")), paths_of(event.get("removed")))
