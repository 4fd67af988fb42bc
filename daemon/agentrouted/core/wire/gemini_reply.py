"""A reply of Gemini, put together as it comes."""

from collections.abc import Mapping
from typing import Any, Final

from agentrouted.core.errors import ResponseInvalid
from agentrouted.core.wire.base import Chunk
from agentrouted.core.wire.bill import count
from agentrouted.core.wire.reply import Reply, name_in

_NAMED_IN_CANDIDATE: Final = frozenset({"content", "finishReason", "index"})

# Where these stand in place of candidates, it is an error without the name.
_SAYS_WHY_NOT: Final = frozenset({"message", "detail"})

_BLOCKED: Final = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"}
)
_BROKEN_CALL: Final = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})


class GeminiReply(Reply):
    named = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId"})
    counted = frozenset(
        {"cachedContentTokenCount", "candidatesTokenCount", "promptTokenCount", "promptTokensDetails"}
        | {"candidatesTokensDetails", "thoughtsTokenCount", "toolUsePromptTokenCount", "totalTokenCount"}
    )

    def read(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        self._take_usage(document.get("usageMetadata"))
        if error := document.get("error"):
            raise self.refused(error)
        self.model = self.model or name_in(document, "modelVersion")
        self.request_id = self.request_id or name_in(document, "responseId")
        candidates, feedback = document.get("candidates"), document.get("promptFeedback")
        if isinstance(candidates, list) and candidates and isinstance(candidates[0], dict):
            self._take_candidate(candidates[0], chunks)
        elif isinstance(feedback, dict) and feedback.get("blockReason"):
            # The prompt was not even shown to the model.
            self.has_begun, self.finish_reason = True, "content_filter"
            self.add("", name_in(feedback, "blockReasonMessage") or "", chunks)
        elif not document.keys().isdisjoint(_SAYS_WHY_NOT):
            raise self.refused(document)

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            # Sums so far; the last chunk of some tells only what has changed.
            usage = self.reported = {**self.reported, **usage}
            thoughts = count(usage, "thoughtsTokenCount")
            self.usage = {
                "prompt_tokens": count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
                "completion_tokens": count(usage, "candidatesTokenCount") + thoughts,
                "prompt_tokens_details": {"cached_tokens": usage.get("cachedContentTokenCount")},
                "completion_tokens_details": {"reasoning_tokens": thoughts},
            }

    def _take_candidate(self, candidate: Mapping[str, Any], chunks: list[Chunk]) -> None:
        self.has_begun = True
        # Each time all of it so far.
        self.beside.fields |= {name: value for name, value in candidate.items() if name not in _NAMED_IN_CANDIDATE}
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                self._take_part(part, chunks)
        if reason := name_in(candidate, "finishReason"):
            self._end(reason)

    def _take_part(self, part: Mapping[str, Any], chunks: list[Chunk]) -> None:
        if isinstance(call := part.get("functionCall"), dict):
            self._take_call(call, name_in(part, "thoughtSignature"), chunks)
        elif isinstance(text := part.get("text"), str):
            self._take_text(text, bool(part.get("thought")), chunks)
        else:
            # What it has drawn, or run by itself.
            self.beside.add_to("parts", part)

    def _take_text(self, text: str, is_thought: bool, chunks: list[Chunk]) -> None:
        if is_thought:
            self.add(text, "", chunks)
        else:
            self.say(text, chunks)

    def _take_call(self, call: Mapping[str, Any], signature: str | None, chunks: list[Chunk]) -> None:
        """It comes whole."""
        if signature:
            self.sign({"thoughtSignature": signature})
        function = {"name": call.get("name"), "arguments": call.get("args") or {}}
        self.call([{"id": call.get("id"), "function": function}], chunks)

    def _end(self, reason: str) -> None:
        # A call that nobody has asked for can be read, and is answered as any other.
        if reason in _BROKEN_CALL and not (self._calls and self._calls.begun):
            raise ResponseInvalid(f"{self.endpoint.label} wrote a tool call that cannot be read", hint="try again")
        self.finish_reason = "content_filter" if reason in _BLOCKED else reason.lower()
