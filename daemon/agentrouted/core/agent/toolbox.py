"""The tools of one run, and how they are called."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.plan import Plan
from agentrouted.core.agent.state import RunState
from agentrouted.core.errors import ToolFailed
from agentrouted.core.host import Host
from agentrouted.core.wire.base import RequestedCall
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult, ToolCallParams, ToolCallResult
from agentrouted_protocol.messages import Message, TextPart
from agentrouted_protocol.runs import Tool

DEFAULT_TIMEOUT: Final = 300.0
"""Seconds a tool has that names no `timeout` of its own."""


class Toolbox:
    """Runs what the model asked for. Whatever goes wrong is told to the model as a result that begins with `Error:`.

    Remembers what the host allowed or refused for the whole run.
    """

    def __init__(self, plan: Plan, run_id: str, host: Host, emitter: Emitter, state: RunState) -> None:
        self._run_id = run_id
        self._tools = plan.tools
        self._host = host
        self._emitter = emitter
        self._state = state
        self._always: dict[str, bool] = {}

    async def run(self, calls: Sequence[RequestedCall]) -> None:
        """Make the calls; each result goes to the state as it comes. They run together, but a `once` tool alone."""
        for group in self._groups(calls):
            async with asyncio.TaskGroup() as tasks:
                for call in group:
                    tasks.create_task(self._run_one(call))

    def _groups(self, calls: Sequence[RequestedCall]) -> Iterator[list[RequestedCall]]:
        group: list[RequestedCall] = []
        for call in calls:
            if not self._is_once(call):
                group.append(call)
                continue
            yield group
            yield [call]
            group = []
        yield group

    def _is_once(self, call: RequestedCall) -> bool:
        tool = self._tools.get(call.name)
        return tool is not None and tool.effect == "once"

    async def _run_one(self, call: RequestedCall) -> None:
        self._emitter.begin_call(call.id, call.name)
        arguments, result = await self._result(call)
        self._state.call_answered(Message(role="tool", tool_call_id=call.id, name=call.name, content=result.content))
        self._emitter.emit(
            events.ToolCallEnd,
            call_id=call.id,
            name=call.name,
            arguments=arguments,
            content=_plain_text(result),
            is_error=result.is_error,
        )

    async def _result(self, call: RequestedCall) -> tuple[dict[str, Any], ToolCallResult]:
        """The arguments it was called with, and what came of it."""
        tool = self._tools.get(call.name)
        if tool is None:
            return call.arguments or {}, _error(f"unknown tool '{call.name}'. Available: {sorted(self._tools)}")
        if call.arguments is None:
            return {}, _error(f"the arguments of {call.name} are not a JSON object. Call it again with one")
        arguments = call.arguments
        if tool.needs_approval:
            refusal, arguments = await self._approval(call, arguments)
            if refusal is not None:
                return arguments, _error(refusal)
        self._state.call_sent(call.id)
        return arguments, await self._call(tool, call, arguments)

    async def _approval(self, call: RequestedCall, arguments: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Why the call must not be made, or None; and the arguments to make it with."""
        decided = self._always.get(call.name)
        if decided is not None:
            return (None if decided else f"{call.name} was not approved"), arguments
        self._emitter.emit(events.ApprovalEvent, call_id=call.id, name=call.name)
        answer = await self._ask(call, arguments)
        self._emitter.emit(events.ApprovalEvent, call_id=call.id, name=call.name, decision=answer.decision)
        allowed = answer.decision.startswith("allow")
        if answer.decision.endswith("always"):
            self._always[call.name] = allowed
        if allowed:
            return None, answer.arguments if answer.arguments is not None else arguments
        return answer.message or f"{call.name} was not approved", arguments

    async def _ask(self, call: RequestedCall, arguments: dict[str, Any]) -> ToolApproveResult:
        """The host's decision; one that cannot be had is a rejection."""
        params = ToolApproveParams(
            run_id=self._run_id,
            call_id=call.id,
            name=call.name,
            arguments=arguments,
            reason=f"{call.name} needs approval",
            options=["allow_once", "allow_always", "reject_once", "reject_always"],
        )
        try:
            return await self._host.approve(params)
        except ToolFailed as error:
            return ToolApproveResult(decision="reject_once", message=error.message)

    async def _call(self, tool: Tool, call: RequestedCall, arguments: dict[str, Any]) -> ToolCallResult:
        seconds = tool.timeout or DEFAULT_TIMEOUT
        params = ToolCallParams(run_id=self._run_id, call_id=call.id, name=call.name, arguments=arguments)
        try:
            async with asyncio.timeout(seconds):
                return await self._host.call_tool(params)
        except TimeoutError:
            return _error(f"TimeoutError: {call.name} gave no answer within {seconds:g} seconds")
        except ToolFailed as error:
            return _error(error.message)


def _error(text: str) -> ToolCallResult:
    return ToolCallResult(content=f"Error: {text}", is_error=True)


def _plain_text(result: ToolCallResult) -> str:
    if isinstance(result.content, str):
        return result.content
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in result.content)
