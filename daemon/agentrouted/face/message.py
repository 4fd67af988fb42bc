"""A message of a conversation, in the shape of OpenAI."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Message:
    """One message. `role` is `system`, `user`, `assistant` or `tool`.

    `content` is text, or a list of OpenAI's parts (`{"type": "text", …}`, `image_url`, `file`). `tool_calls` is
    OpenAI's list: `{"id", "type": "function", "function": {"name", "arguments"}}` with the arguments as JSON text.
    """

    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    reasoning: str | None = None
    signed: dict[str, Any] | None = None
    """Reasoning in its provider's own shape, to be given back as it is."""

    def to_dict(self) -> dict[str, Any]:
        """What OpenAI calls a message; what is not there is left out."""
        kept = {name: value for name in _OPTIONAL if (value := getattr(self, name))}
        content = {} if self.content is None else {"content": self.content}
        return {"role": self.role, **content, **kept}

    @classmethod
    def from_dict(cls, message: Mapping[str, Any]) -> "Message":
        return cls(message["role"], message.get("content"), **{name: message.get(name) for name in _OPTIONAL})


_OPTIONAL = ("tool_calls", "tool_call_id", "name", "reasoning", "signed")
