"""What a scripted upstream answers, as small values."""

import asyncio
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby
from typing import Any


class Cut(Enum):
    """A step of a reply: the connection is reset here."""

    RESET = "reset"


Step = bytes | asyncio.Event | Cut
"""A part of a body: bytes to send, an event to wait for, or an abrupt end."""

USAGE: Mapping[str, Any] = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
_SSE = {"content-type": "text/event-stream"}
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply. The step `before` comes before its first byte."""

    steps: tuple[Step, ...] = ()
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: _SSE)
    before: asyncio.Event | Cut | None = None

    @classmethod
    def text(
        cls, *deltas: str | asyncio.Event, finish: str = "stop", usage: Mapping[str, Any] | None = USAGE
    ) -> "Reply":
        """A chat completion, streamed; an event between two deltas makes the reply wait there."""
        wrapped = [{"content": delta} if isinstance(delta, str) else delta for delta in deltas]
        return cls.chat(*wrapped, finish=finish, usage=usage)

    @classmethod
    def tool_call(cls, name: str, arguments: Mapping[str, Any], call_id: str = "call_1") -> "Reply":
        """A chat completion that asks for one tool."""
        return cls.tool_calls({call_id: (name, arguments)})

    @classmethod
    def tool_calls(cls, calls: Mapping[str, tuple[str, Mapping[str, Any]]]) -> "Reply":
        """A chat completion that asks for several tools at once: ids to names and arguments."""
        deltas = [
            {
                "index": index,
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(given)},
            }
            for index, (call_id, (name, given)) in enumerate(calls.items())
        ]
        return cls.chat(*({"tool_calls": [delta]} for delta in deltas), finish="tool_calls")

    @classmethod
    def chat(
        cls, *deltas: Mapping[str, Any] | asyncio.Event, finish: str = "stop", usage: Mapping[str, Any] | None = USAGE
    ) -> "Reply":
        """A chat completion of these deltas, with its finish, its usage and `[DONE]`."""
        opened = [delta if isinstance(delta, asyncio.Event) else chunk(delta) for delta in deltas]
        bill = [{**chunk({}), "choices": [], "usage": usage}] if usage is not None else []
        return cls.events(*opened, chunk({}, finish), *bill, "[DONE]")

    @classmethod
    def events(cls, *payloads: Mapping[str, Any] | str | asyncio.Event) -> "Reply":
        """Server-sent events with exactly these payloads."""
        return cls(joined(payload if isinstance(payload, asyncio.Event) else _event(payload) for payload in payloads))

    @classmethod
    def typed_events(cls, *payloads: Mapping[str, Any] | asyncio.Event) -> "Reply":
        """The same, each under the name that its `type` says."""
        return cls(
            joined(
                payload if isinstance(payload, asyncio.Event) else b"event: %b\n%b" % (_type(payload), _event(payload))
                for payload in payloads
            )
        )

    @classmethod
    def raw(cls, *steps: Step) -> "Reply":
        """An event stream of these very bytes."""
        return cls(steps)

    @classmethod
    def json(cls, document: Any) -> "Reply":
        """A whole JSON document, not streamed."""
        return cls((json.dumps(document).encode(),), headers=_JSON)

    @classmethod
    def status(cls, code: int, body: Any = None, headers: Mapping[str, str] | None = None) -> "Reply":
        """A refusal: any status, with JSON (or text, if `body` is a string) and more headers."""
        document = {"error": {"message": f"scripted {code}"}} if body is None else body
        content = document if isinstance(document, str) else json.dumps(document)
        return cls((content.encode(),), code, {**_JSON, **(headers or {})})

    @classmethod
    def silence(cls) -> "Reply":
        """Nothing at all: not even headers, until the client goes."""
        return cls(before=asyncio.Event())

    @classmethod
    def hang_up(cls) -> "Reply":
        """The connection is reset before there is an answer."""
        return cls(before=Cut.RESET)

    def held(self, until: asyncio.Event) -> "Reply":
        """The same, as soon as that event is set."""
        return replace(self, before=until)

    def cut(self, after: int) -> "Reply":
        """The first `after` bytes of the body, then a reset."""
        return replace(self, steps=(self._body[:after], Cut.RESET))

    def dripped(self) -> "Reply":
        """The same body, byte by byte."""
        return replace(self, steps=tuple(bytes([byte]) for byte in self._body))

    def gzipped(self) -> "Reply":
        compressor = zlib.compressobj(wbits=31)
        body = compressor.compress(self._body) + compressor.flush()
        return replace(self, steps=(body,), headers={**self.headers, "content-encoding": "gzip"})

    @property
    def _body(self) -> bytes:
        return b"".join(step for step in self.steps if isinstance(step, bytes))


def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    """One chunk of a streamed chat completion."""
    named = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "test-model"}
    return {**named, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _event(payload: Mapping[str, Any] | str) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


def _type(payload: Mapping[str, Any]) -> bytes:
    return str(payload["type"]).encode()


def joined(steps: Iterator[Step]) -> tuple[Step, ...]:
    """Bytes that follow each other as one step, so that they leave as one write."""
    joined: list[Step] = []
    for _, group in groupby(steps, lambda step: isinstance(step, bytes)):
        run = list(group)
        text = [step for step in run if isinstance(step, bytes)]
        joined += [b"".join(text)] if text else run
    return tuple(joined)
