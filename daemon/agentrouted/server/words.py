"""A run's events in words, for `$/progress`."""

from typing import Any

from agentrouted.core.in_words import in_words
from agentrouted_protocol.events import (
    AgentEnd,
    AgentStart,
    BudgetEvent,
    Event,
    Fallback,
    ModelCallStart,
    Retry,
    ToolCallStart,
)


def progress_value(event: Event) -> dict[str, Any] | None:
    """The LSP work done progress value for an event, or None where there is nothing to tell."""
    match event:
        case AgentStart():
            title = f"Agent {event.agent}" if event.agent else "Agent"
            return {"kind": "begin", "title": title, "message": event.model, "cancellable": True}
        case AgentEnd():
            return {"kind": "end", "message": _ending(event)}
        case _:
            message = _report(event)
            return {"kind": "report", "message": message} if message else None


def _report(event: Event) -> str | None:
    match event:
        case ModelCallStart():
            return f"turn {event.turn}: asking {event.route.provider}/{event.route.model_id}"
        case ToolCallStart():
            return f"running {event.name}"
        case Retry():
            return f"trying again: {event.reason}"
        case Fallback():
            return f"going on with {event.route.provider}/{event.route.model_id}: {event.reason}"
        case BudgetEvent(waits=True):
            return f"waiting for room in budget {event.name}"
        case _:
            return None


def _ending(event: AgentEnd) -> str:
    tokens = event.usage.input_tokens + event.usage.output_tokens
    return f"{event.stop_reason or 'failed'}, {in_words(tokens, 'token')}"
