"""Which method is served by which function."""

from collections.abc import Callable
from typing import Any, Final

from agentrouted.core.errors import InvalidParams
from agentrouted.server.handlers import config, daemon, memory, models, routing, runs, usage, workspace
from agentrouted.server.rpc import Handler
from agentrouted_protocol.validation import parse

# One row a method of the contract. What has no row here answers -32601 and is not advertised.
_SERVED: Final[dict[str, Handler]] = {
    "resolveModel": routing.resolve_model,
    "model/list": models.list_models,
    "model/probe": models.probe_model,
    "runAgent": runs.run_agent,
    "run/list": runs.list_runs,
    "run/get": runs.get_run,
    "run/attach": runs.attach_run,
    "run/cancel": runs.cancel_run,
    "run/steer": runs.steer_run,
    "run/resume": runs.resume_run,
    "run/fork": runs.fork_run,
    "agent/list": runs.list_agents,
    "memory/remember": memory.remember,
    "memory/recall": memory.recall,
    "memory/forget": memory.forget,
    "memory/get": memory.get_entry,
    "memory/list": memory.list_entries,
    "memory/addMessages": memory.add_messages,
    "memory/getMessages": memory.get_messages,
    "memory/clearMessages": memory.clear_messages,
    "memory/sessions": memory.list_sessions,
    "memory/export": memory.export_memory,
    "memory/import": memory.import_memory,
    "memory/vectors": memory.show_vectors,
    "usage": usage.get_usage,
    "config/get": config.get_config,
    "config/reload": config.reload_config,
    "config/validate": config.validate_config,
    "daemon/status": daemon.status,
}

# The quick twins: the only way in from editors that know no custom methods (Helix, Sublime Text, LSP4IJ).
COMMANDS: Final[dict[str, str]] = {f"agentrouted.{name.replace('/', '.')}": name for name in _SERVED}


def _checked(method: str, handler: Handler) -> Handler:
    return lambda session, params: handler(session, parse(method, params))


REQUESTS: Final[dict[str, Handler]] = {name: _checked(name, handler) for name, handler in _SERVED.items()}


def execute_command(session: Any, params: Any) -> Any:
    """`workspace/executeCommand` (LSP 3.17): `{command, arguments: [params of the method]}`."""
    command = params.get("command") if isinstance(params, dict) else None
    method = COMMANDS.get(command) if isinstance(command, str) else None
    if method is None:
        raise InvalidParams("there is no such command", hint=f"one of {', '.join(sorted(COMMANDS))}")
    arguments = params.get("arguments") or []
    if not isinstance(arguments, list) or len(arguments) > 1:
        raise InvalidParams(f"{command} takes one argument: the parameters of `{method}` as an object")
    return REQUESTS[method](session, arguments[0] if arguments else None)


LSP_REQUESTS: Final[dict[str, Handler]] = {"workspace/executeCommand": execute_command}

LSP_NOTIFICATIONS: Final[dict[str, Callable[[Any, Any], None]]] = {
    "$/setTrace": workspace.set_trace,
    "initialized": workspace.initialized,
    "window/workDoneProgress/cancel": workspace.cancel_progress,
    "workspace/didChangeConfiguration": workspace.did_change_configuration,
    "workspace/didChangeWorkspaceFolders": workspace.did_change_folders,
}
