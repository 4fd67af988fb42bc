"""An agent's tools as the core takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from agentrouted.core.agent.tools.base import Tool as CoreTool
from agentrouted.core.agent.tools.base import ToolRetry, ToolUse
from agentrouted.core.errors import ToolFailed
from agentrouted.core.secrets import without_keys
from agentrouted.core.wire.base import ToolSpec
from agentrouted.face.caller import Caller
from agentrouted.face.context import Context
from agentrouted.face.errors import Retry
from agentrouted.face.telling import tell
from agentrouted.face.tools import Tool
from agentrouted_protocol.client_requests import ToolCallResult


@dataclass(frozen=True, slots=True)
class Toolkit:
    """The tools of one run. Their functions see its context, and are called where it was started."""

    caller: Caller
    context: Context

    def of(self, tools: Sequence[Tool]) -> tuple[CoreTool, ...]:
        return tuple(map(self._core_tool, tools))

    def _core_tool(self, tool: Tool) -> CoreTool:
        asks = callable(tool.needs_approval)
        return CoreTool(
            spec=ToolSpec(tool.name, tool.description, tool.params_schema),
            check=partial(_checked, tool),
            call=partial(self._call, tool),
            effect=tool.effect,
            timeout=tool.timeout,
            needs_approval=partial(self._needs_approval, tool) if asks else bool(tool.needs_approval),
        )

    async def _call(self, tool: Tool, use: ToolUse) -> ToolCallResult:
        try:
            return ToolCallResult(content=await self.caller.call(self._told, tool, use.arguments))
        except Retry as retry:
            raise ToolRetry(retry.message) from retry
        except ToolFailed:
            raise
        except Exception as error:  # whatever a tool raises is for the model
            raise _failed(error) from error

    async def _told(self, tool: Tool, arguments: dict[str, Any]) -> str:
        return tell(await tool.invoke(arguments, ctx=self.context))

    async def _needs_approval(self, tool: Tool, use: ToolUse) -> bool:
        assert callable(tool.needs_approval)
        try:
            return bool(await self.caller.call(tool.needs_approval, self.context, tool.check(use.arguments)))
        except Exception as error:  # the user's own: without a decision, the call is not made
            raise _failed(error) from error


def _failed(error: Exception) -> ToolFailed:
    return ToolFailed(without_keys(f"{type(error).__name__}: {error}"))


def _checked(tool: Tool, arguments: Any) -> dict[str, Any]:
    """As the model wrote them, which is what events and approvals show: the function gets them as Python values."""
    tool.check(arguments)
    return dict(arguments)
