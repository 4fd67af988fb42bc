"""Calls that somebody has to allow first."""

from dataclasses import replace
from typing import Any, Final

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import Tool, ToolUse
from agentrouted.core.errors import ToolFailed
from agentrouted_protocol import events
from agentrouted_protocol.client_requests import Decision, ToolApproveParams, ToolApproveResult

_OPTIONS: Final[tuple[Decision, ...]] = ("allow_once", "allow_always", "reject_once", "reject_always")


class Approvals:
    """Asks the people at the other side. Nobody there, no answer and an error are all a no."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    async def ask(self, tool: Tool, use: ToolUse) -> ToolUse:
        """The call as it is allowed, with arguments that may have been edited. Raises `ToolFailed` if it is not."""
        decided = self._run.state.always.get(use.name)
        if decided is not None:
            return _allowed(decided, use)
        answer = await self._decision(use, f"{use.name} needs approval", _OPTIONS)
        if answer.decision.endswith("always"):
            self._run.state.always[use.name] = answer.decision == "allow_always"
        return _as_decided(tool, use, answer)

    async def ask_again(self, tool: Tool, use: ToolUse) -> ToolUse:
        """The same for a call that was being made when the daemon was killed, and must not be made twice."""
        why = f"the daemon was killed while {use.name} was being called, and it is unknown whether it was done"
        if not self._run.audience.takes_approvals:
            raise ToolFailed(f"{why}; it was not called again")
        answer = await self._decision(use, f"{why}. Call it again?", ("allow_once", "reject_once"))
        if answer.decision.startswith("reject") and answer.message is None:
            raise ToolFailed(f"{why}; it was not called again")
        return _as_decided(tool, use, answer)

    async def _decision(self, use: ToolUse, reason: str, options: tuple[Decision, ...]) -> ToolApproveResult:
        params = ToolApproveParams(
            run_id=use.run_id,
            call_id=use.call_id,
            name=use.name,
            arguments=use.arguments,
            reason=reason,
            options=list(options),
        )
        self._tell(use)
        try:
            answer = await self._run.audience.approve(params)
        except ToolFailed as error:
            answer = ToolApproveResult(decision="reject_once", message=error.message)
        self._tell(use, answer.decision)
        return answer

    def _tell(self, use: ToolUse, decision: Any = None) -> None:
        self._run.emitter.emit(events.ApprovalEvent, call_id=use.call_id, name=use.name, decision=decision)


def _as_decided(tool: Tool, use: ToolUse, answer: ToolApproveResult) -> ToolUse:
    allowed = _allowed(answer.decision.startswith("allow"), use, answer.message)
    return allowed if answer.arguments is None else replace(allowed, arguments=tool.check(answer.arguments))


def _allowed(allowed: bool, use: ToolUse, message: str | None = None) -> ToolUse:
    if not allowed:
        raise ToolFailed(message or f"{use.name} was not approved")
    return use
