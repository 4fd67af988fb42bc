"""`run/event`: what happens in a run, as it happens."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agentrouted_protocol.base import SentParams
from agentrouted_protocol.memory import MemoryHit
from agentrouted_protocol.messages import StopReason, Usage
from agentrouted_protocol.routing import RouteEndpoint
from agentrouted_protocol.usage import BudgetUnit


class Event(SentParams):
    """One event of a run. The result of `runAgent` is authoritative: an event that is lost loses nothing."""

    run_id: str
    seq: int
    """Dense from 1 within the run."""

    parent_run_id: str | None = None
    """The run that started this one, if one did."""


class AgentStart(Event):
    """The run has begun."""

    kind: Literal["agentStart"] = "agentStart"
    agent: str | None = None
    """Its name in the config."""

    model: str
    """As it was asked for."""

    route: RouteEndpoint
    """The endpoint that is tried first. Where the session has to stay on this machine, a `fallback` names another."""


class ModelCallStart(Event):
    """A model is asked."""

    kind: Literal["modelCallStart"] = "modelCallStart"
    turn: int
    """From 1."""

    route: RouteEndpoint
    warnings: list[str] | None = None
    """What was left out of the request, since this endpoint does not take it."""


class TextDelta(Event):
    """More of the model's text."""

    kind: Literal["textDelta"] = "textDelta"
    text: str


class ReasoningDelta(Event):
    """More of the model's reasoning."""

    kind: Literal["reasoningDelta"] = "reasoningDelta"
    text: str


class ToolCallStart(Event):
    """The model has begun to write a tool call."""

    kind: Literal["toolCallStart"] = "toolCallStart"
    call_id: str
    name: str


class ToolCallArguments(Event):
    """More of the JSON text of a call's arguments, as the model writes it."""

    kind: Literal["toolCallArguments"] = "toolCallArguments"
    call_id: str
    text: str


class ToolCallEnd(Event):
    """A tool has run."""

    kind: Literal["toolCallEnd"] = "toolCallEnd"
    call_id: str
    name: str
    arguments: dict[str, Any]
    content: str
    """What the model is told."""

    is_error: bool = False
    """True if the tool failed or was refused."""


class ModelCallEnd(Event):
    """The model has answered."""

    kind: Literal["modelCallEnd"] = "modelCallEnd"
    turn: int
    usage: Usage
    """Of this call alone."""

    finish_reason: str | None = None
    """As the provider said it."""

    latency: float
    """Seconds from the request to the end of the reply."""

    time_to_first_token: float | None = None
    """Seconds."""

    raw: dict[str, Any] | None = None
    """What the provider said with the reply that has no place elsewhere, in its own words."""


class Retry(Event):
    """The same endpoint is asked again."""

    kind: Literal["retry"] = "retry"
    attempt: int
    reason: str
    delay: float
    """Seconds until the next try."""


class Fallback(Event):
    """Another endpoint of the chain is asked in place of the one before."""

    kind: Literal["fallback"] = "fallback"
    reason: str
    route: RouteEndpoint
    crosses_boundary: bool = False
    """True if the run went from a local endpoint to one elsewhere."""


class Recall(Event):
    """What was found in memory is shown to the model, before the prompt."""

    kind: Literal["recall"] = "recall"
    hits: list[MemoryHit]
    tokens: int
    """What they take of the prompt: an estimate."""


class Compaction(Event):
    """The history that is sent was made shorter."""

    kind: Literal["compaction"] = "compaction"
    strategy: str
    messages_before: int
    messages_after: int


class ApprovalEvent(Event):
    """A call waits for approval, or has got its decision."""

    kind: Literal["approval"] = "approval"
    call_id: str
    name: str
    decision: str | None = None
    """Left out while the question is open."""


class BudgetEvent(Event):
    """A budget of the config is nearly used up, or has no room for the next call."""

    kind: Literal["budget"] = "budget"
    name: str
    unit: BudgetUnit = "usd"
    """Of `spent`, `reserved` and `limit`."""

    spent: float
    reserved: float = 0.0
    """What is set aside for calls under way, where there is no room for the next one."""

    limit: float
    waits: bool = False
    """True: the next call waits for those under way to end, since they may leave room; in its turn, for a minute at
    most. It is told once, when that begins."""


class OutputPartial(Event):
    """The structured answer so far."""

    kind: Literal["outputPartial"] = "outputPartial"
    output: Any


class AgentEnd(Event):
    """The run is over; no event of it follows."""

    kind: Literal["agentEnd"] = "agentEnd"
    stop_reason: StopReason | None = None
    """Left out if the run failed: then its answer is an error."""

    usage: Usage
    """Of the whole run."""


RunEvent = Annotated[
    AgentStart
    | ModelCallStart
    | TextDelta
    | ReasoningDelta
    | ToolCallStart
    | ToolCallArguments
    | ToolCallEnd
    | ModelCallEnd
    | Retry
    | Fallback
    | Recall
    | Compaction
    | ApprovalEvent
    | BudgetEvent
    | OutputPartial
    | AgentEnd,
    Field(discriminator="kind"),
]
