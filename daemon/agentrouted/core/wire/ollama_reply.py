"""A reply of Ollama's own, put together as it comes."""

from collections.abc import Mapping
from typing import Any

from agentrouted.core.wire.base import Chunk
from agentrouted.core.wire.reply import Reply, name_in


class OllamaReply(Reply):
    named = frozenset({"model", "message", "done", "done_reason", "prompt_eval_count", "eval_count"})

    def read(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        if error := document.get("error"):
            raise self.refused({"message": error, "code": document.get("status")} if isinstance(error, str) else error)
        self.model = self.model or name_in(document, "model")
        message = document.get("message")
        if isinstance(message, dict):
            self.has_begun = True
            self._take_message(message, chunks)
        elif "detail" in document:
            # It is not Ollama that speaks, but what stands before it.
            raise self.refused(document)
        if document.get("done"):
            self.done = True
            self.finish_reason = name_in(document, "done_reason") or "stop"
            self.usage = {
                "prompt_tokens": document.get("prompt_eval_count"),
                "completion_tokens": document.get("eval_count"),
            }

    def _take_message(self, message: Mapping[str, Any], chunks: list[Chunk]) -> None:
        self.add(name_in(message, "thinking") or "", "", chunks)
        self.say(name_in(message, "content") or "", chunks)
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            self.call([_as_openai(call) for call in calls if isinstance(call, dict)], chunks)


def _as_openai(call: Mapping[str, Any]) -> dict[str, Any]:
    """Each call comes whole."""
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    return {"id": call.get("id"), "function": {**function, "arguments": function.get("arguments") or {}}}
