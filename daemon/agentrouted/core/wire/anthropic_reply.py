"""One of Anthropic's messages, put together as it comes."""

from collections.abc import Mapping
from typing import Any, Final

from agentrouted.core.wire.base import Chunk
from agentrouted.core.wire.bill import count
from agentrouted.core.wire.reply import Reply, name_in, place_in

_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})

# Where these stand in place of content, it is an error without the name.
_SAYS_WHY_NOT: Final = frozenset({"message", "detail"})


_NAMED_IN_TEXT: Final = frozenset({"text", "type"})


class AnthropicReply(Reply):
    """What a `type` that has no meaning here says is passed over: more of them come every year, `ping` among them."""

    named = frozenset({"content", "model", "role", "stop_reason", "type", "usage"})
    wrapped = True
    counted = frozenset(
        {"cache_creation_input_tokens", "cache_read_input_tokens", "cost", "input_tokens", "output_tokens"}
        | {"ephemeral_5m_input_tokens", "service_tier", "thinking_tokens"}
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fields: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._thoughts: dict[Any, dict[str, Any]] = {}
        self._others: dict[Any, dict[str, Any]] = {}

    def raw(self) -> Mapping[str, Any]:
        self.last, self.reported = self._fields, self._used
        return super().raw()

    def read(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        kind = document.get("type")
        if kind == "error" or document.get("error"):
            raise self.refused(document.get("error") or document)
        match kind:
            case "message_start":
                message = _member(document, "message")
                # It has written nothing yet, whatever is counted there.
                usage = {**_member(message, "usage"), "output_tokens": 0}
                self._take_message({**message, "usage": usage}, chunks)
            case "content_block_start":
                self._begin(place_in(document, "index"), _member(document, "content_block"), chunks)
            case "content_block_delta":
                self._take_delta(place_in(document, "index"), _member(document, "delta"), chunks)
            case "content_block_stop":
                self._end(place_in(document, "index"))
            case "message_delta":
                self._take_fields(_member(document, "delta"))
                self._take_usage(_member(document, "usage"))
            case "message_stop":
                self.done = True
            case "message" | None if "content" in document:
                # Not streamed.
                self._take_message(document, chunks)
            case None if not document.keys().isdisjoint(_SAYS_WHY_NOT):
                raise self.refused(document)

    def _take_message(self, message: Mapping[str, Any], chunks: list[Chunk]) -> None:
        self.has_begun = True
        self.model = self.model or name_in(message, "model")
        self.request_id = self.request_id or name_in(message, "id")
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict):
                self._begin(index, block, chunks)
                self._end(index)
        self._take_fields(message)
        self._take_usage(_member(message, "usage"))

    def _begin(self, index: Any, block: Mapping[str, Any], chunks: list[Chunk]) -> None:
        kind = name_in(block, "type")
        if kind in _THOUGHTS:
            self.next_thought(chunks)
            self._thoughts[index] = dict(block)
            self.add(name_in(block, "thinking") or "", "", chunks)
        elif kind == "text":
            self.say(name_in(block, "text") or "", chunks)
            self.beside.add(block, _NAMED_IN_TEXT)
        elif kind == "tool_use":
            function = {"name": block.get("name"), "arguments": block.get("input") or ""}
            self.call([{"index": index, "id": block.get("id"), "function": function}], chunks)
        else:
            # What the server's own tools were asked, and have found.
            self._others[index] = dict(block)

    def _take_delta(self, index: Any, delta: Mapping[str, Any], chunks: list[Chunk]) -> None:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                self.say(text, chunks)
            case {"type": "input_json_delta", "partial_json": str(text)} if index in self._others:
                other = self._others[index]
                other["input"] = (other["input"] if isinstance(other.get("input"), str) else "") + text
            case {"type": "citations_delta", "citation": citation}:
                self.beside.add_to("citations", citation)
            case {"type": "input_json_delta", "partial_json": str(text)}:
                self.call([{"index": index, "function": {"arguments": text}}], chunks)
            case {"type": "thinking_delta", "thinking": str(text)}:
                self._think(index, "thinking", text)
                self.add(text, "", chunks)
            case {"type": "signature_delta", "signature": str(signature)}:
                self._think(index, "signature", signature)

    def _think(self, index: Any, field: str, text: str) -> None:
        thought = self._thoughts.setdefault(index, {"type": "thinking", "thinking": ""})
        thought[field] = (name_in(thought, field) or "") + text

    def _end(self, index: Any) -> None:
        thought = self._thoughts.pop(index, {})
        if thought.get("signature") or thought.get("data"):
            self.sign(thought)
        if other := self._others.pop(index, None):
            self.beside.add_to("content", other)

    def _take_fields(self, fields: Mapping[str, Any]) -> None:
        self._fields |= fields
        self.finish_reason = name_in(fields, "stop_reason") or self.finish_reason

    def _take_usage(self, usage: Mapping[str, Any]) -> None:
        """The sums so far; a 0 says that it was told before, or will be."""
        self._used |= {name: value for name, value in usage.items() if value}
        used = self._used
        read, written = count(used, "cache_read_input_tokens"), count(used, "cache_creation_input_tokens")
        self.usage = {
            "prompt_tokens": count(used, "input_tokens") + read + written,
            "completion_tokens": used.get("output_tokens"),
            "prompt_tokens_details": {"cached_tokens": read},
            "completion_tokens_details": {
                "reasoning_tokens": count(used.get("output_tokens_details"), "thinking_tokens")
            },
            "cost": used.get("cost"),
        }


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}
