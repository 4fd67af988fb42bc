"""The tools of one run, and how they are called."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.errors import ToolFailed
from agentrouted.core.host import Host
from agentrouted.core.wire.base import RequestedCall
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import ToolApproveParams, ToolCallParams, ToolCallResult
from agentrouted_protocol.messages import Message, TextPart
from agentrouted_protocol.runs import Tool

DEFAULT_TIMEOUT: Final = 300.0
"""Seconds a tool has that names no `timeout` of its own."""


class Toolbox:
    """Runs what the model asked for. Whatever goes wrong is told to the model as a result that begins with `Error:`.

    Remembers what the host allowed or refused for the whole run.
    """

    def __init__(self, run_id: str, tools: Mapping[str, Tool], host: Host, emitter: Emitter) -> None:
        self._run_id = run_id
        self._tools = tools
        self._host = host
        self._emitter = emitter
        self._always: dict[str, bool] = {}

    async def run(self, calls: Sequence[RequestedCall]) -> list[Message]:
        """The results, in the order of the calls. Calls run together, but a `once` tool runs alone."""
        results: list[Message] = []
        for group in self._groups(calls):
            results += await _together(self._run_one(call) for call in group)
        return results

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

    async def _run_one(self, call: RequestedCall) -> Message:
        self._emitter.emit(events.ToolCallStart, call_id=call.id, name=call.name)
        result = await self._result(call)
        self._emitter.emit(
            events.ToolCallEnd,
            call_id=call.id,
            name=call.name,
            arguments=call.arguments or {},
            content=_plain_text(result),
            is_error=result.is_error,
        )
        return Message(role="tool", tool_call_id=call.id, name=call.name, content=result.content)

    async def _result(self, call: RequestedCall) -> ToolCallResult:
        tool = self._tools.get(call.name)
        if tool is None:
            return _error(f"unknown tool '{call.name}'. Available: {sorted(self._tools)}")
        if call.arguments is None:
            return _error(f"the arguments of {call.name} are not a JSON object. Call it again with one")
        arguments: dict[str, Any] = call.arguments
        if tool.needs_approval:
            refusal, arguments = await self._approval(call, arguments)
            if refusal is not None:
                return _error(refusal)
        return await self._call(tool, call, arguments)

    async def _approval(self, call: RequestedCall, arguments: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Why the call must not be made, or None; and the arguments to make it with."""
        decided = self._always.get(call.name)
        if decided is not None:
            return (None if decided else f"{call.name} was not approved"), arguments
        self._emitter.emit(events.ApprovalEvent, call_id=call.id, name=call.name)
        answer = await self._host.approve(
            ToolApproveParams(
                run_id=self._run_id,
                call_id=call.id,
                name=call.name,
                arguments=arguments,
                reason=f"{call.name} needs approval",
                options=["allow_once", "allow_always", "reject_once", "reject_always"],
            )
        )
        self._emitter.emit(events.ApprovalEvent, call_id=call.id, name=call.name, decision=answer.decision)
        allowed = answer.decision.startswith("allow")
        if answer.decision.endswith("always"):
            self._always[call.name] = allowed
        if allowed:
            return None, answer.arguments if answer.arguments is not None else arguments
        return answer.message or f"{call.name} was not approved", arguments

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


async def _together(work: Iterable[Coroutine[Any, Any, Message]]) -> list[Message]:
    """All results in order; the rest is cancelled when one is, or when the caller is."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]


def _error(text: str) -> ToolCallResult:
    return ToolCallResult(content=f"Error: {text}", is_error=True)


def _plain_text(result: ToolCallResult) -> str:
    if isinstance(result.content, str):
        return result.content
    return "".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in result.content)
