"""What a run has done so far, also when it is cut off."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agentrouted.core.endpoint import Boundary
from agentrouted.core.output.wanted import Mode
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.wire.base import CallStart, Chunk, ModelReply, RequestedCall, TextChunk
from agentrouted_protocol.messages import Message, ToolCall, Usage

# What a journal keeps of the state beside messages and usage.
_KEPT: Final = (
    "turn",
    "retries",
    "finish_reason",
    "malformed",
    "always",
    "steering",
    "mode",
    "session_place",
    "recalled",
    "boundary",
    "warnings",
    "spent",
    "billed",
)


@dataclass(slots=True)
class RunState:
    """Grows turn by turn. `messages` is what the run adds to the conversation, and `opening` what was before."""

    run_id: str = ""
    opening: tuple[Message, ...] = ()
    messages: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    spent: float = 0.0
    """US dollars, where the cost is known: by its own calls, and by runs that belonged to it and have ended."""

    billed: list[str] = field(default_factory=list)
    """Ids of calls whose runs are in `usage` and `spent`, and whose results are not there yet."""

    answered_by: ResolvedEndpoint | None = None
    wire: str | None = None
    """The format in which it answered."""

    turn: int = 0
    retries: int = 0
    """How often the model was asked to do something again."""

    finish_reason: str | None = None
    """Of the last reply."""

    raw: Mapping[str, Any] = field(default_factory=dict)
    """What the last reply says that has no place in its message."""

    warnings: list[str] = field(default_factory=list)
    """What of the run's wishes could not be told to a model."""

    malformed: dict[str, str] = field(default_factory=dict)
    """By call id, the arguments of the last reply's calls that were no JSON object."""

    mode: Mode = "text"
    """The way in which the last reply was asked for a structured answer."""

    always: dict[str, bool] = field(default_factory=dict)
    """Tools that were allowed or refused for the whole run."""

    steering: list[str] = field(default_factory=list)
    """What was said to the run since its last turn."""

    session_place: int | None = None
    """Of the last message of the session that the run has begun with; 0 for none."""

    recalled: str | None = None
    """What was found in memory, as the model sees it; empty for nothing."""

    boundary: Boundary | None = None
    """That what it was told of its session is within."""

    sent: set[str] = field(default_factory=set)
    """Ids of calls that were begun."""

    results: dict[str, Message] = field(default_factory=dict)
    """Results of the last reply's calls that are not in the transcript yet."""

    _pieces: list[str] = field(default_factory=list)
    _has_called: bool = False

    @property
    def conversation(self) -> tuple[Message, ...]:
        return (*self.opening, *self.messages)

    @property
    def has_spoken(self) -> bool:
        """Whether any of an incomplete reply's text or calls has been seen: then nobody else is asked in its place."""
        return bool(self._pieces) or self._has_called

    @property
    def partial_text(self) -> str:
        """What the model has said of a reply that is not complete."""
        return "".join(self._pieces)

    @property
    def text(self) -> str:
        """The last thing the model said."""
        if self._pieces:
            return self.partial_text
        replies = (message.content for message in reversed(self.messages) if message.role == "assistant")
        last = next(replies, "")
        return last if isinstance(last, str) else ""

    @property
    def open_reply(self) -> Message | None:
        """The last reply, if nothing was done about it yet, or not all."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.role == "assistant" else None

    @property
    def last_reply(self) -> ModelReply:
        """The open reply as the model gave it."""
        reply = self.messages[-1]
        text = reply.content if isinstance(reply.content, str) else ""
        calls = tuple(self._requested(call) for call in reply.tool_calls or ())
        return ModelReply(text, reply.reasoning or "", calls, self.finish_reason, self.usage)

    def hear(self, batch: Sequence[Chunk], speaker: ResolvedEndpoint, wire: str) -> None:
        self.answered_by, self.wire = speaker, wire
        for chunk in batch:
            if isinstance(chunk, TextChunk):
                self._pieces.append(chunk.text)
            self._has_called |= isinstance(chunk, CallStart)

    def forget_partial(self) -> None:
        self._pieces.clear()
        self._has_called = False

    def complete(self, reply: ModelReply) -> None:
        """Take in a whole reply."""
        self.forget_partial()
        self.finish_reason, self.raw = reply.finish_reason, reply.raw
        self.malformed = {call.id: call.text for call in reply.calls if call.arguments is None}
        self.messages.append(
            Message(
                role="assistant",
                content=reply.text,
                reasoning=reply.reasoning or None,
                signed=reply.signed,
                tool_calls=[_tool_call(call) for call in reply.calls] or None,
            )
        )

    def warn(self, warnings: Iterable[str]) -> None:
        self.warnings += [each for each in warnings if each not in self.warnings]

    def take_steering(self) -> None:
        self.messages += [Message(role="user", content=text) for text in self.steering]
        self.steering.clear()

    def open_calls(self) -> list[ToolCall]:
        """The last reply's calls that have no result."""
        reply = self.open_reply
        return [call for call in (reply.tool_calls if reply else None) or () if call.id not in self.results]

    def answer(self, result: Message) -> int:
        """Keep a result as soon as it is there: what was done is not forgotten, whatever becomes of the others.

        Returns the place in the transcript that it will have.
        """
        call_id = result.tool_call_id or ""
        self.results[call_id] = result
        self.billed = [each for each in self.billed if each != call_id]
        self.usage = self.usage.model_copy(update={"tool_calls": self.usage.tool_calls + 1})
        return len(self.messages) + self._place(call_id)

    def close_calls(self) -> None:
        """Answer every call of the last reply in the transcript, in their order."""
        reply = self.open_reply
        for call in (reply.tool_calls if reply else None) or ():
            result = self.results.get(call.id)
            self.messages.append(result or _interrupted(call, sent=call.id in self.sent))
        self.results.clear()

    def interrupt(self) -> None:
        """Leave a transcript in which every call is answered, and what was said is kept."""
        if self._pieces:
            self.messages.append(Message(role="assistant", content=self.partial_text))
        self.forget_partial()
        self.close_calls()

    def to_journal(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT}

    def restore(self, kept: dict[str, Any], messages: Iterator[Message], begun: frozenset[str]) -> None:
        """Be what the journal says: the results of a reply that is still open are held back."""
        for name in _KEPT:
            if name in kept:
                setattr(self, name, kept[name])
        self.messages = list(messages)
        self.sent = set(begun)
        tail: list[Message] = []
        while self.messages and self.messages[-1].role == "tool":
            tail.append(self.messages.pop())
        wanted = {call.id for call in (self.messages[-1].tool_calls if self.messages else None) or ()}
        if wanted and len(tail) < len(wanted):
            self.results = {result.tool_call_id or "": result for result in tail}
        else:
            self.messages += reversed(tail)

    def _requested(self, call: ToolCall) -> RequestedCall:
        malformed = self.malformed.get(call.id)
        return RequestedCall(call.id, call.name, malformed or "", call.arguments if malformed is None else None)

    def _place(self, call_id: str) -> int:
        reply = self.open_reply
        ids = [call.id for call in (reply.tool_calls if reply else None) or ()]
        return ids.index(call_id) if call_id in ids else 0


def _tool_call(call: RequestedCall) -> ToolCall:
    return ToolCall(id=call.id, name=call.name, arguments=call.arguments or {})


def _interrupted(call: ToolCall, *, sent: bool) -> Message:
    outcome = "it is unknown whether this call was done" if sent else "this call was not made"
    content = f"Error: the run was interrupted, and {outcome}"
    return Message(role="tool", tool_call_id=call.id, name=call.name, content=content)
