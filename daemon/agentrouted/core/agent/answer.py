"""Whether a reply ends the run, and what its answer is."""

from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.tools.base import ToolRetry
from agentrouted.core.errors import OutputInvalid
from agentrouted.core.output.answer import Answer, Refused, read, retry_text
from agentrouted.core.output.wanted import OUTPUT_TOOL
from agentrouted.core.schema.fit import DoesNotFit
from agentrouted_protocol.messages import Message, StopReason

# Whatever cut a reply short is told as the limit that it is for whoever reads it.
_STOP_REASONS: Final[dict[str, StopReason]] = {
    "incomplete": "max_tokens",
    "length": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "pause_turn": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
}

_NOT_RUN: Final = "Error: this call was not made: the final answer came in the same turn"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends."""

    stop_reason: StopReason
    output: Any = None


async def ending_of(run: RunContext, reply: Message) -> Ending | None:
    """The end of the run if this reply is one. If it is not, and holds no calls, the model was told what is missing."""
    stop_reason = _STOP_REASONS.get((run.state.finish_reason or "").lower(), "end_turn")
    if run.plan.wanted is None:
        if reply.tool_calls:
            return None
        output = await _validated(run, run.state.text)
        return None if output is _ASKED_AGAIN else Ending(stop_reason, output)
    if stop_reason == "refusal" and not reply.tool_calls:
        return Ending(stop_reason)
    found = read(run.plan.wanted, run.state.mode, run.state.last_reply)
    if found is None:
        return None
    if isinstance(found, Answer):
        output = await _validated(run, found.value, found.call_id)
        if output is _ASKED_AGAIN:
            return None
        _close(run, reply, found.call_id, "ok")
        return Ending("end_turn", output)
    _refuse(run, found)
    return None


_ASKED_AGAIN: Final = object()


async def _validated(run: RunContext, value: Any, call_id: str | None = None) -> Any:
    """What the program's own validators make of it; `_ASKED_AGAIN` if they do not take it."""
    if run.inside.check_output is None:
        return value
    if run.inside.watch:
        run.inside.watch(run.state)
    try:
        return await run.inside.check_output(value, run.state)
    except DoesNotFit as misfit:
        _refuse(run, Refused(misfit.problems, call_id))
    except ToolRetry as retry:
        ask_again(run, [retry.hint])
        _tell(run, call_id, f"Retry: {retry.hint}")
    return _ASKED_AGAIN


def _refuse(run: RunContext, refused: Refused) -> None:
    ask_again(run, refused.problems)
    _tell(run, refused.call_id, retry_text(refused.problems))


def ask_again(run: RunContext, problems: tuple[str, ...] | list[str]) -> None:
    """Count it. Raises `OutputInvalid` when the model was asked again often enough."""
    if run.state.retries >= run.plan.retries:
        raise OutputInvalid(
            f"Output validation failed after {run.plan.retries} retries: {'; '.join(problems)}",
            hint="raise `retries`, or use a more capable model",
            details={"text": run.state.text, "errors": list(problems)},
        )
    run.state.retries += 1


def _tell(run: RunContext, call_id: str | None, text: str) -> None:
    if call_id is None:
        run.state.messages.append(Message(role="user", content=text))
    else:
        run.state.answer(Message(role="tool", tool_call_id=call_id, name=OUTPUT_TOOL, content=text))


def _close(run: RunContext, reply: Message, answered: str | None, text: str) -> None:
    """Every call of the last reply has its result; those beside the answer were not made."""
    for call in reply.tool_calls or ():
        told = text if call.id == answered else _NOT_RUN
        run.state.answer(Message(role="tool", tool_call_id=call.id, name=call.name, content=told))
    run.state.close_calls()
