"""A server's tools as models and the agent loop take them."""

import re
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, Final

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.errors import ConfigInvalid
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.runs import Effect

_LONGEST_NAME: Final = 64
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as its server describes it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]
    effect: Effect


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool that a run may call. `call` raises `ToolFailed` where the server, not the tool, is at fault."""

    spec: ToolSpec
    effect: Effect
    needs_approval: bool
    timeout: float
    """Seconds; `call` gives up by itself before."""

    call: Callable[[dict[str, Any]], Coroutine[Any, Any, ToolCallResult]]


Call = Callable[[str, dict[str, Any]], Coroutine[Any, Any, ToolCallResult]]


def offered(server: str, settings: McpServer, listed: Iterable[Listed], call: Call) -> Iterator[McpTool]:
    """What the config lets through of a server's tools, under names that models take: `server__tool`.

    Raises `ConfigInvalid` where the config names a tool that the server does not have: one that was to be asked about
    must not go unasked because of a slip of the pen.
    """
    by_name = {tool.name: tool for tool in listed}
    _must_exist(server, "tools", settings.tools or (), by_name)
    if not isinstance(settings.needs_approval, bool):
        _must_exist(server, "needs_approval", settings.needs_approval, by_name)
    taken: set[str] = set()
    for tool in by_name.values():
        if settings.tools is None or tool.name in settings.tools:
            name = _name_for_models(server, tool.name, taken)
            taken.add(name)
            yield McpTool(
                spec=ToolSpec(name, tool.description, tool.input_schema),
                effect=tool.effect,
                needs_approval=settings.asks_for(tool.name),
                # The server may have to be started again first.
                timeout=2 * settings.timeout + 5,
                call=_bound(call, tool.name),
            )


def effect_of(*, read_only: bool | None, idempotent: bool | None) -> Effect:
    """By a server's hints. One that hints at nothing may do harm each time: so the protocol has it."""
    if read_only:
        return "read"
    return "idempotent" if idempotent else "once"


def _must_exist(server: str, key: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise ConfigInvalid(
                f"`mcp_servers.{server}.{key}` names `{name}`, and the server has no such tool",
                hint=f"did you mean `{near[0]}`?" if near else f"it has: {', '.join(sorted(known)) or 'none'}",
            )


def _name_for_models(server: str, tool: str, taken: Collection[str]) -> str:
    name = f"{server}__{_NOT_IN_NAMES.sub('_', tool)}"
    if len(name) <= _LONGEST_NAME and name not in taken:
        return name
    digest = sha256(tool.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}_{digest}"


def _bound(call: Call, tool: str) -> Callable[[dict[str, Any]], Coroutine[Any, Any, ToolCallResult]]:
    return lambda arguments: call(tool, arguments)
