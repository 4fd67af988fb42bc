"""What a run has done so far, also when it is cut off."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agentrouted.core.agent import bill
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.wire.base import CallArguments, Chunk, ModelReply, ReasoningChunk, RequestedCall, TextChunk
from agentrouted_protocol.messages import Message, ToolCall, Usage


@dataclass(slots=True)
class RunState:
    """Grows turn by turn. `messages` is what the run adds to the conversation."""

    messages: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    answered_by: ResolvedEndpoint | None = None
    turn: int = 0
    heard: int = 0
    """Characters of a reply that is not complete, of every kind: they are paid for."""

    _pieces: list[str] = field(default_factory=list)
    _sent: set[str] = field(default_factory=set)
    _results: dict[str, Message] = field(default_factory=dict)

    @property
    def partial_text(self) -> str:
        """What the model has said of a reply that is not complete."""
        return "".join(self._pieces)

    @property
    def has_spoken(self) -> bool:
        """Whether any of an incomplete reply's text has been seen."""
        return bool(self._pieces)

    @property
    def text(self) -> str:
        """The last thing the model said."""
        if self._pieces:
            return self.partial_text
        replies = (message.content for message in reversed(self.messages) if message.role == "assistant")
        last = next(replies, "")
        return last if isinstance(last, str) else ""

    def hear(self, batch: Sequence[Chunk], speaker: ResolvedEndpoint) -> None:
        self.answered_by = speaker
        for chunk in batch:
            if isinstance(chunk, TextChunk):
                self._pieces.append(chunk.text)
            if isinstance(chunk, TextChunk | ReasoningChunk | CallArguments):
                self.heard += len(chunk.text)

    def complete(self, reply: ModelReply) -> None:
        """Take in a whole reply and its bill."""
        self._forget_partial()
        self.usage = bill.add(self.usage, reply.usage)
        self.messages.append(
            Message(
                role="assistant",
                content=reply.text,
                reasoning=reply.reasoning or None,
                tool_calls=[_tool_call(call) for call in reply.calls] or None,
            )
        )

    def call_sent(self, call_id: str) -> None:
        self._sent.add(call_id)

    def call_answered(self, result: Message) -> None:
        """Keep a result as soon as it is there: what was done is not forgotten, whatever becomes of the others."""
        self._results[result.tool_call_id or ""] = result
        self.usage = self.usage.model_copy(update={"tool_calls": self.usage.tool_calls + 1})

    def close_calls(self) -> None:
        """Answer every call of the last reply in the transcript, in their order."""
        last = self.messages[-1] if self.messages else None
        for call in (last.tool_calls if last else None) or ():
            result = self._results.get(call.id)
            self.messages.append(result or _interrupted(call, sent=call.id in self._sent))

    def interrupt(self) -> None:
        """Leave a transcript in which every call is answered, and what was said is kept."""
        if self._pieces:
            self.messages.append(Message(role="assistant", content=self.partial_text))
        self._forget_partial()
        self.close_calls()

    def _forget_partial(self) -> None:
        self._pieces.clear()
        self.heard = 0


def _tool_call(call: RequestedCall) -> ToolCall:
    return ToolCall(id=call.id, name=call.name, arguments=call.arguments or {})


def _interrupted(call: ToolCall, *, sent: bool) -> Message:
    outcome = "it is unknown whether this call was done" if sent else "this call was not made"
    content = f"Error: the run was interrupted, and {outcome}"
    return Message(role="tool", tool_call_id=call.id, name=call.name, content=content)
