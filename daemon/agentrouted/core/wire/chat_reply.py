"""A chat completion, put together as it comes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ResponseInvalid, ResponseTruncated
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest, ReasoningChunk, RequestedCall, TextChunk
from agentrouted.core.wire.bill import bill
from agentrouted.core.wire.chat_calls import CallBuilder
from agentrouted.core.wire.loose_json import parse
from agentrouted.core.wire.refusals import refused_inside
from agentrouted.core.wire.thinking import ThinkSplitter
from agentrouted_protocol.messages import Usage

_NAMED: Final = frozenset({"choices", "error", "model", "object", "usage"})

# Where these stand in place of choices, it is an error without the name.
_SAYS_WHY_NOT: Final = frozenset({"message", "detail"})

# Nothing is said, and rightly so: a limit was reached, or the model or a filter will not say it.
_MAY_BE_EMPTY: Final = frozenset({"length", "max_tokens", "content_filter", "refusal"})


class ChatReply:
    """Takes the payloads of a reply, streamed or whole, and gives chunks; `finish` gives the last of them."""

    def __init__(self, endpoint: Endpoint, request: ModelRequest, request_id: str | None) -> None:
        self.done = False
        """True when all has been said, whatever may still come."""

        self.fault: AgentroutedError | None = None
        """What came after the chunks that the last `take` gave."""

        self.finish_reason: str | None = None
        self._endpoint = endpoint
        self._request = request
        self._request_id = request_id
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._splitter = ThinkSplitter()
        self._calls: CallBuilder | None = None
        self._has_begun = False
        self._is_refusal = False
        self._model: str | None = None
        self._usage: Mapping[str, Any] = {}
        self._last: Mapping[str, Any] = {}

    def take(self, payloads: Sequence[bytes]) -> list[Chunk]:
        """The chunks in these payloads. Raises what the provider says went wrong, or sets `fault` if text was first."""
        chunks: list[Chunk] = []
        try:
            for payload in payloads:
                if payload.startswith(b"[DONE]"):
                    self.done = True
                    break
                self._take_document(self._parsed(payload), chunks)
        except AgentroutedError as fault:
            if not chunks:
                raise
            self.fault = fault
        return chunks

    def finish(self) -> list[Chunk]:
        """What was held back, then the reply. Raises if it broke off, or if there is nothing in it."""
        chunks: list[Chunk] = []
        self._add(*self._splitter.end(), chunks)
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        calls = self._calls.finish() if self._calls else ()
        reason = "refusal" if self._is_refusal else self.finish_reason
        if error := self._missing(text, calls, reason):
            raise error
        usage = self._bill()
        raw = {name: value for name, value in self._last.items() if name not in _NAMED}
        request_id = self._request_id or _name(self._last.get("id"))
        return [*chunks, ModelReply(text, reasoning, calls, reason, usage, self._model, request_id, raw)]

    def bill_so_far(self) -> Usage | None:
        """None if nothing has come."""
        return self._bill() if self._has_begun or self._usage else None

    def _bill(self) -> Usage:
        written = sum(map(len, self._text)) + sum(map(len, self._reasoning))
        written += self._calls.written if self._calls else 0
        return bill(self._endpoint, self._request, self._usage, written)

    def _take_document(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        self._take_usage(document)
        if error := document.get("error"):
            raise self._refused(error)
        choices = document.get("choices")
        if choices and isinstance(choices, list) and isinstance(choices[0], dict):
            self._take_choice(choices[0], chunks)
        elif "choices" not in document and not document.keys().isdisjoint(_SAYS_WHY_NOT):
            raise self._refused(document)
        self._model = self._model or _name(document.get("model"))
        self._last = document

    def _take_usage(self, holder: Mapping[str, Any]) -> None:
        """The bill so far, of the document or, as Moonshot has it, of its choice."""
        if (usage := holder.get("usage")) and isinstance(usage, dict):
            self._usage = usage

    def _take_choice(self, choice: Mapping[str, Any], chunks: list[Chunk]) -> None:
        delta = choice.get("delta")
        if "delta" not in choice and not self._has_begun:
            # Not streamed. (Some streams end with the whole message once more.)
            delta, self.done = choice.get("message"), True
        self._has_begun = True
        self._take_usage(choice)
        if delta and isinstance(delta, dict):
            self._take_delta(delta, chunks)
        if reason := choice.get("finish_reason"):
            self.finish_reason = str(reason)
            if reason == "error":
                raise self._refused(choice.get("error") or "it ended its answer with an error")

    def _take_delta(self, delta: Mapping[str, Any], chunks: list[Chunk]) -> None:
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            self._add(_flat(reasoning), "", chunks)
        if content := delta.get("content"):
            self._take_content(content, chunks)
        if refusal := delta.get("refusal"):
            self._is_refusal = True
            self._add("", _flat(refusal), chunks)
        if (deltas := delta.get("tool_calls")) and isinstance(deltas, list):
            chunks += self._call_builder().take(deltas)
        elif (function := delta.get("function_call")) and isinstance(function, dict):
            # What calls were before they could be several.
            chunks += self._call_builder().take([{"function": function}])

    def _take_content(self, content: Any, chunks: list[Chunk]) -> None:
        if isinstance(content, list):
            # Mistral's way: parts, of which some hold the reasoning.
            for part in content:
                if isinstance(part, dict) and part.get("thinking"):
                    self._add(_flat(part["thinking"]), "", chunks)
                else:
                    self._add("", _flat(part), chunks)
        else:
            self._add(*self._splitter.feed(_flat(content)), chunks)

    def _add(self, reasoning: str, text: str, chunks: list[Chunk]) -> None:
        if reasoning:
            self._reasoning.append(reasoning)
            chunks.append(ReasoningChunk(reasoning))
        if text:
            self._text.append(text)
            chunks.append(TextChunk(text))

    def _call_builder(self) -> CallBuilder:
        if self._calls is None:
            messages = self._request.messages
            self._calls = CallBuilder(call.id for message in messages for call in message.tool_calls or ())
        return self._calls

    def _missing(self, text: str, calls: Sequence[RequestedCall], finish_reason: str | None) -> AgentroutedError | None:
        label = self._endpoint.label
        if self._has_begun and not self.done and finish_reason is None:
            return ResponseTruncated(f"{label} ended its answer in the middle", hint="try again")
        if text.strip() or calls or (finish_reason or "").lower() in _MAY_BE_EMPTY:
            return None
        return ResponseInvalid(f"{label} answered with nothing", hint="try again, or use another model")

    def _refused(self, error: Any) -> AgentroutedError:
        return refused_inside(self._endpoint, error, self._request_id)

    def _parsed(self, payload: bytes) -> Mapping[str, Any]:
        try:
            document = parse(payload)
        except ValueError:
            document = None
        if isinstance(document, list) and document:
            document = document[0]
        if not isinstance(document, dict):
            raise ResponseInvalid(f"{self._endpoint.label} sent what is not a chat completion", hint="try again")
        return document


def _name(value: Any) -> str | None:
    return value if value and isinstance(value, str) else None


def _flat(said: Any) -> str:
    """The text in a string, in a part, or in a list of parts."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "".join(_flat(part) for part in said)
    return _flat(said.get("text")) if isinstance(said, dict) else ""
