"""A chat completion, put together as it comes."""

from collections.abc import Mapping
from typing import Any, Final

from agentrouted.core.wire.base import Chunk
from agentrouted.core.wire.reasoning_details import ReasoningDetails
from agentrouted.core.wire.reply import Reply, name_in

# Where these stand in place of choices, it is an error without the name.
_SAYS_WHY_NOT: Final = frozenset({"message", "detail"})


_NAMED_IN_CHOICE: Final = frozenset({"delta", "error", "finish_reason", "index", "message", "usage"})
_NAMED_IN_DELTA: Final = frozenset(
    {
        "content",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
        "role",
        "tool_calls",
    }
)


class ChatReply(Reply):
    named = frozenset({"choices", "error", "model", "object", "usage"})
    counted = frozenset(
        {
            "cached_tokens",
            "completion_tokens",
            "cost",
            "prompt_cache_hit_tokens",
            "prompt_cache_miss_tokens",
            "prompt_tokens",
            "reasoning_tokens",
            "text_tokens",
            "total_tokens",
        }
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._details = ReasoningDetails()

    def read(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        self._take_usage(document)
        if error := document.get("error"):
            raise self.refused(error)
        choices = document.get("choices")
        if choices and isinstance(choices, list) and isinstance(choices[0], dict):
            self._take_choice(choices[0], chunks)
        elif "choices" not in document and not document.keys().isdisjoint(_SAYS_WHY_NOT):
            raise self.refused(document)
        self.model = self.model or name_in(document, "model")

    def _take_usage(self, holder: Mapping[str, Any]) -> None:
        """The bill so far, of the document or, as Moonshot has it, of its choice."""
        if (usage := holder.get("usage")) and isinstance(usage, dict):
            self.usage = self.reported = usage

    def _take_choice(self, choice: Mapping[str, Any], chunks: list[Chunk]) -> None:
        delta = choice.get("delta")
        if "delta" not in choice and not self.has_begun:
            # Not streamed. (Some streams end with the whole message once more.)
            delta, self.done = choice.get("message"), True
        self.has_begun = True
        self._take_usage(choice)
        self.beside.add(choice, _NAMED_IN_CHOICE)
        if delta and isinstance(delta, dict):
            self._take_delta(delta, chunks)
            self.beside.add(delta, _NAMED_IN_DELTA)
        if reason := choice.get("finish_reason"):
            self.finish_reason = str(reason)
            if reason == "error":
                raise self.refused(choice.get("error") or "it ended its answer with an error")

    def _take_delta(self, delta: Mapping[str, Any], chunks: list[Chunk]) -> None:
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self.add(_flat(reasoning), "", chunks)
        if details := delta.get("reasoning_details"):
            self._details.take(details)
        if content := delta.get("content"):
            self._take_content(content, chunks)
        if refusal := delta.get("refusal"):
            self.declined = True
            self.add("", _flat(refusal), chunks)
        if (deltas := delta.get("tool_calls")) and isinstance(deltas, list):
            self.call(deltas, chunks)
        elif (function := delta.get("function_call")) and isinstance(function, dict):
            # What calls were before they could be several.
            self.call([{"function": function}], chunks)

    def finish(self) -> list[Chunk]:
        for block in self._details.blocks:
            self.sign(block)
        return super().finish()

    def _take_content(self, content: Any, chunks: list[Chunk]) -> None:
        if isinstance(content, list):
            # Mistral's way: parts, of which some hold the reasoning.
            for part in content:
                if isinstance(part, dict) and part.get("thinking"):
                    self.add(_flat(part["thinking"]), "", chunks)
                elif text := _flat(part):
                    self.add("", text, chunks)
                else:
                    self.beside.add_to("content", part)
        else:
            self.say(_flat(content), chunks)


def _flat(said: Any) -> str:
    """The text in a string, in a part, or in a list of parts."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "".join(_flat(part) for part in said)
    return _flat(said.get("text")) if isinstance(said, dict) else ""
