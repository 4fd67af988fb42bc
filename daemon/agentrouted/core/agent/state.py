"""What a run has done so far, also when it is cut off."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agentrouted.core.agent import bill
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.wire.base import Chunk, ModelReply, RequestedCall, TextChunk
from agentrouted_protocol.messages import Message, ToolCall, Usage


@dataclass(slots=True)
class RunState:
    """Grows turn by turn. `messages` is what the run adds to the conversation."""

    messages: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    answered_by: ResolvedEndpoint | None = None
    turn: int = 0
    partial_text: str = ""
    """What the model has said of a reply that is not complete."""

    @property
    def text(self) -> str:
        """The last thing the model said."""
        if self.partial_text:
            return self.partial_text
        replies = (message.content for message in reversed(self.messages) if message.role == "assistant")
        last = next(replies, "")
        return last if isinstance(last, str) else ""

    def hear(self, batch: Sequence[Chunk]) -> None:
        for chunk in batch:
            if isinstance(chunk, TextChunk):
                self.partial_text += chunk.text

    def complete(self, reply: ModelReply) -> None:
        """Take in a whole reply and its bill."""
        self.partial_text = ""
        self.usage = bill.add(self.usage, reply.usage)
        self.messages.append(
            Message(
                role="assistant",
                content=reply.text,
                reasoning=reply.reasoning or None,
                tool_calls=[_tool_call(call) for call in reply.calls] or None,
            )
        )

    def add_tool_results(self, results: Sequence[Message]) -> None:
        self.messages.extend(results)
        self.usage = self.usage.model_copy(update={"tool_calls": self.usage.tool_calls + len(results)})

    def interrupt(self) -> None:
        """Leave a transcript in which every call is answered, and what was said is kept."""
        if self.partial_text:
            self.messages.append(Message(role="assistant", content=self.partial_text))
            self.partial_text = ""
        answered = {message.tool_call_id for message in self.messages}
        for message in list(self.messages):
            for call in message.tool_calls or ():
                if call.id not in answered:
                    self.messages.append(_interrupted(call))


def _tool_call(call: RequestedCall) -> ToolCall:
    return ToolCall(id=call.id, name=call.name, arguments=call.arguments or {})


def _interrupted(call: ToolCall) -> Message:
    content = "Error: the run was interrupted before this call was done"
    return Message(role="tool", tool_call_id=call.id, name=call.name, content=content)
