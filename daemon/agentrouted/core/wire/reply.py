"""A reply, put together as it comes: what formats share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ResponseInvalid, ResponseTruncated
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest, ReasoningChunk, RequestedCall, TextChunk
from agentrouted.core.wire.beside import Beside, tells_more
from agentrouted.core.wire.bill import bill
from agentrouted.core.wire.chat_calls import CallBuilder
from agentrouted.core.wire.loose_json import parse
from agentrouted.core.wire.refusals import refused_inside
from agentrouted.core.wire.repeated import said_by
from agentrouted.core.wire.signed import signed_by
from agentrouted.core.wire.thinking import ThinkSplitter
from agentrouted_protocol.messages import SignedBlock, Usage

# Nothing is said, and rightly so: a limit was reached, or the model or a filter will not say it.
_MAY_BE_EMPTY: Final = frozenset(
    {
        "content_filter",
        "incomplete",
        "length",
        "max_output_tokens",
        "max_tokens",
        "model_context_window_exceeded",
        "refusal",
    }
)


class Reply(ABC):
    """Takes the payloads of a reply, streamed or whole, and gives chunks; `finish` gives the last of them.

    A format says in `read` what a document means.
    """

    named: ClassVar[frozenset[str]]
    """Top-level fields of a document that have their place; the others are kept as `raw`."""

    wrapped: ClassVar[bool] = False
    """True where a document is an event, and the reply is inside."""

    counted: ClassVar[frozenset[str]] = frozenset()
    """What is read of a bill, at any depth; one that tells more is kept as `raw`, too."""

    def __init__(self, endpoint: Endpoint, request: ModelRequest, request_id: str | None) -> None:
        self.done = False
        """True when all has been said, whatever may still come."""

        self.fault: AgentroutedError | None = None
        """What came after the chunks that the last `take` gave."""

        self.finish_reason: str | None = None
        self.declined = False
        """True if what the model says is that it will not do it."""

        self.endpoint = endpoint
        self.request = request
        self.request_id = request_id
        self.model: str | None = None
        self.usage: Mapping[str, Any] = {}
        """As OpenAI writes it."""

        self.reported: Mapping[str, Any] = {}
        """The same as this provider writes it."""

        self.beside = Beside()

        self.has_begun = False
        self.last: Mapping[str, Any] = {}
        """The last document."""

        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._splitter = ThinkSplitter()
        self._calls: CallBuilder | None = None
        self._signed: list[SignedBlock] = []

    @abstractmethod
    def read(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        """Keeps what `document` says, and adds its chunks. Raises what the provider says went wrong."""

    def take(self, payloads: Sequence[bytes]) -> list[Chunk]:
        """The chunks in these payloads. Raises what the provider says went wrong, or sets `fault` if text was first."""
        chunks: list[Chunk] = []
        try:
            for payload in payloads:
                self.done = self.done or payload.lstrip().startswith(b"[DONE]")
                if self.done:
                    break
                for document in self._documents(payload):
                    self.read(document, chunks)
                    if not self.wrapped and document.keys() != self.last.keys():
                        # Of those that look alike, the last has it all.
                        self.beside.add(self.last, self.named)
                    self.last = document
        except AgentroutedError as fault:
            if not chunks:
                raise
            self.fault = fault
        return chunks

    def finish(self) -> list[Chunk]:
        """What was held back, then the reply. Raises if it broke off, or if there is nothing in it."""
        chunks: list[Chunk] = []
        self.add(*self._splitter.end(), chunks)
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        calls = self._calls.finish() if self._calls else ()
        reason = "refusal" if self.declined else self.finish_reason
        if error := self._missing(text, calls, reason):
            raise error
        request_id = self.request_id or name_in(self.last, "id")
        usage, raw, signed = self._bill(), self.raw(), signed_by(self.endpoint, self._signed)
        return [*chunks, ModelReply(text, reasoning, calls, reason, usage, self.model, request_id, raw, signed)]

    def raw(self) -> Mapping[str, Any]:
        self.beside.add(self.last, self.named)
        bill = {"usage": self.reported} if tells_more(self.reported, self.counted) else {}
        return {**self.beside.fields, **bill}

    def bill_so_far(self) -> Usage | None:
        """None if nothing has come."""
        return self._bill() if self.has_begun or self.usage else None

    def say(self, text: str, chunks: list[Chunk]) -> None:
        """Text that may begin with reasoning in `<think>` tags."""
        self.add(*self._splitter.feed(text), chunks)

    def add(self, reasoning: str, text: str, chunks: list[Chunk]) -> None:
        if reasoning:
            self._reasoning.append(reasoning)
            chunks.append(ReasoningChunk(reasoning))
        if text:
            self._text.append(text)
            chunks.append(TextChunk(text))

    def call(self, deltas: Sequence[Any], chunks: list[Chunk]) -> None:
        """Calls of tools, or more of them, as OpenAI writes them."""
        if self._calls is None:
            messages = self.request.messages
            self._calls = CallBuilder(call.id for message in messages for call in message.tool_calls or ())
        chunks += self._calls.take(deltas)

    def next_thought(self, chunks: list[Chunk]) -> None:
        """What comes is another piece of reasoning."""
        if self._reasoning:
            self.add("\n\n", "", chunks)

    def sign(self, block: Mapping[str, Any]) -> None:
        """Reasoning that has to go back to the model as it is."""
        has_text = any(text.strip() for text in self._text)
        self._signed.append(SignedBlock(at=has_text + (self._calls.begun if self._calls else 0), block=dict(block)))

    def refused(self, error: Any) -> AgentroutedError:
        return refused_inside(self.endpoint, error, self.request_id, said_by(self.request.messages))

    def _bill(self) -> Usage:
        written = sum(map(len, self._text)) + sum(map(len, self._reasoning))
        written += self._calls.written if self._calls else 0
        return bill(self.endpoint, self.request, self.usage, written)

    def _missing(self, text: str, calls: Sequence[RequestedCall], reason: str | None) -> AgentroutedError | None:
        label = self.endpoint.label
        if self.has_begun and not self.done and self.finish_reason is None:
            return ResponseTruncated(f"{label} ended its answer in the middle", hint="try again")
        if text.strip() or calls or (reason or "").lower() in _MAY_BE_EMPTY:
            return None
        return ResponseInvalid(f"{label} answered with nothing", hint="try again, or use another model")

    def _documents(self, payload: bytes) -> Iterator[Mapping[str, Any]]:
        """Some put an error, or all that they would have streamed, into a list."""
        try:
            parsed = parse(payload)
        except ValueError:
            parsed = None
        documents = parsed if isinstance(parsed, list) and parsed else [parsed]
        for document in documents:
            if not isinstance(document, dict):
                raise ResponseInvalid(
                    f"{self.endpoint.label} sent what is not in the format `{self.endpoint.wire}`", hint="try again"
                )
            yield document


def place_in(document: Mapping[str, Any], field: str) -> int | str | None:
    """The number there, or the name; of anything else, none."""
    value = document.get(field)
    return value if isinstance(value, int | str) else None


def name_in(document: Mapping[str, Any], field: str) -> str | None:
    """The text there, if there is any."""
    value = document.get(field)
    return value if value and isinstance(value, str) else None
