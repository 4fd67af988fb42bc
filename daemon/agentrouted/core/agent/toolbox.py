"""Runs what the model asked for, and tells it what came of it."""

import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.agent.approval import Approvals
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import Tool, ToolRetry, ToolUse
from agentrouted.core.errors import ToolFailed
from agentrouted.core.schema.fit import DoesNotFit
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.messages import Message, TextPart, ToolCall

DEFAULT_TIMEOUT: Final = 300.0
"""Seconds a tool has that names no `timeout` of its own."""

# A tool that does not stop when it is told to is not waited for longer.
_STOP_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Outcome:
    arguments: dict[str, Any]
    """What it was called with."""

    result: ToolCallResult
    retry: str | None = None
    """The hint, if it asked to be called otherwise."""


class Toolbox:
    """Makes calls. Whatever goes wrong is told to the model as a result that begins with `Error:` or `Retry:`."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._approvals = Approvals(run)
        self._unfinished = frozenset(run.state.sent)
        """Calls that were begun before the daemon was killed."""

        self._abandoned: set[asyncio.Task[Any]] = set()

    async def run(self, calls: Sequence[ToolCall]) -> list[str]:
        """Make the calls; each result goes to the state as it comes. They run together, but a `once` tool alone.

        Returns the hints of those that asked to be called otherwise.
        """
        hints: list[str] = []
        for group in self._groups(calls):
            running = await self._together(group)
            hints += [hint for task in running if (hint := task.result()) is not None]
        return hints

    async def _together(self, calls: Sequence[ToolCall]) -> list[asyncio.Task[str | None]]:
        try:
            async with asyncio.TaskGroup() as tasks:
                return [tasks.create_task(self._run_one(call)) for call in calls]
        except ExceptionGroup as faults:
            # The first ended the others, and is what went wrong.
            raise faults.exceptions[0] from None

    def _groups(self, calls: Sequence[ToolCall]) -> Iterator[list[ToolCall]]:
        group: list[ToolCall] = []
        for call in calls:
            if not self._is_once(call):
                group.append(call)
                continue
            yield group
            yield [call]
            group = []
        yield group

    def _is_once(self, call: ToolCall) -> bool:
        tool = self._run.tools.get(call.name)
        return tool is not None and tool.effect == "once"

    async def _run_one(self, call: ToolCall) -> str | None:
        run = self._run
        run.emitter.begin_call(call.id, call.name)
        outcome = await self._outcome(call)
        message = Message(role="tool", tool_call_id=call.id, name=call.name, content=outcome.result.content)
        place = run.state.answer(message)
        if run.recorder is not None:
            run.recorder.result(place, message, run.state)
        if self._is_once(call):
            # Whatever runs after it: that it was done must not be forgotten.
            await run.durable()
        run.emitter.emit(
            events.ToolCallEnd,
            call_id=call.id,
            name=call.name,
            arguments=outcome.arguments,
            content=_plain_text(outcome.result),
            is_error=outcome.result.is_error,
        )
        return outcome.retry

    async def _outcome(self, call: ToolCall) -> _Outcome:
        tool = self._run.tools.get(call.name)
        if tool is None:
            return _Outcome(call.arguments, _error(f"unknown tool '{call.name}'. Available: {sorted(self._run.tools)}"))
        if (malformed := self._run.state.malformed.get(call.id)) is not None:
            return _Outcome({}, _error(f"could not parse arguments for '{call.name}': {_fault_of(malformed)}"))
        arguments = call.arguments
        try:
            use = ToolUse(self._run.run_id, call.id, call.name, tool.check(arguments))
            use = await self._approved(tool, use)
            arguments = use.arguments
            await self._begin(tool, use)
            return _Outcome(arguments, await self._within_timeout(tool, use))
        except DoesNotFit as misfit:
            return _Outcome(arguments, _error(f"the arguments of {call.name} do not fit its schema: {misfit}"))
        except ToolFailed as failure:
            return _Outcome(arguments, _error(failure.message))
        except ToolRetry as retry:
            return _Outcome(arguments, ToolCallResult(content=f"Retry: {retry.hint}", is_error=True), retry.hint)

    async def _approved(self, tool: Tool, use: ToolUse) -> ToolUse:
        """The call as it may be made. Raises `ToolFailed` if it may not."""
        if use.call_id in self._unfinished and tool.effect == "once":
            return await self._approvals.ask_again(tool, use)
        needed = tool.needs_approval
        if not (needed if isinstance(needed, bool) else await needed(use)):
            return use
        return await self._approvals.ask(tool, use)

    async def _begin(self, tool: Tool, use: ToolUse) -> None:
        self._run.state.sent.add(use.call_id)
        if tool.effect == "once" and self._run.recorder is not None:
            self._run.recorder.call_begun(use.call_id)
            await self._run.durable()
        if self._run.inside.watch:
            self._run.inside.watch(self._run.state)

    async def _within_timeout(self, tool: Tool, use: ToolUse) -> ToolCallResult:
        """Its result, waited for no longer than its timeout, even if it does not stop when it is told to."""
        seconds = tool.timeout or DEFAULT_TIMEOUT
        task = asyncio.create_task(tool.call(use))
        try:
            await asyncio.wait({task}, timeout=None if seconds == math.inf else seconds)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=_STOP_SECONDS)
            self._abandon(task)
            raise
        if task.cancelled():
            return _error(f"CancelledError: {use.name} was cancelled")
        if task.done():
            return task.result()
        task.cancel()
        self._abandon(task)
        return _error(f"TimeoutError: {use.name} gave no answer within {seconds:g} s")

    def _abandon(self, task: asyncio.Task[ToolCallResult]) -> None:
        """Keep it until it ends, and look at its end, so that asyncio does not report it as lost."""
        self._abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[ToolCallResult]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()


def _fault_of(text: str) -> str:
    """Why the text of arguments is no JSON object."""
    try:
        json.loads(text)
    except ValueError as fault:
        return str(fault)
    return "they are not a JSON object"


def _error(text: str) -> ToolCallResult:
    return ToolCallResult(content=f"Error: {text}", is_error=True)


def _plain_text(result: ToolCallResult) -> str:
    if isinstance(result.content, str):
        return result.content
    return "\n".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in result.content)
