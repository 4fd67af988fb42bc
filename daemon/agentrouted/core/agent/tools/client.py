"""Tools that a client runs itself, by `tool/call`."""

from collections.abc import Iterable

from agentrouted.core.agent.audience import Audience
from agentrouted.core.agent.tools.base import Tool, ToolUse
from agentrouted.core.errors import ToolFailed
from agentrouted.core.host import HostGone
from agentrouted.core.schema.check import compile_fit
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.client_requests import ToolCallParams, ToolCallResult
from agentrouted_protocol.runs import Tool as Offered


def client_tools(offered: Iterable[Offered], audience: Audience) -> list[Tool]:
    """Raises `InvalidParams` where an `inputSchema` is no JSON Schema."""
    return [_client_tool(tool, audience) for tool in offered]


def _client_tool(offered: Offered, audience: Audience) -> Tool:
    async def call(use: ToolUse) -> ToolCallResult:
        params = ToolCallParams(run_id=use.run_id, call_id=use.call_id, name=use.name, arguments=use.arguments)
        try:
            return await audience.call_tool(params, repeatable=offered.effect != "once")
        except HostGone:
            raise ToolFailed(f"the client went away, and it is unknown whether {use.name} was done") from None

    return Tool(
        spec=ToolSpec(offered.name, offered.description, offered.input_schema),
        check=compile_fit(offered.input_schema),
        call=call,
        effect=offered.effect,
        timeout=offered.timeout,
        needs_approval=offered.needs_approval,
    )
