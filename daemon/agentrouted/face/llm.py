"""A model as a Python program sees it: asked, and answering."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from agentrouted.face.message import Message


@dataclass
class LLMRequest:
    """One call of a model."""

    model: str
    """The model's name at its server."""

    messages: list[Message]
    tools: list[dict[str, Any]] | None = None
    """OpenAI's list: `{"type": "function", "function": {"name", "description", "parameters"}}`."""

    temperature: float | None = None
    max_tokens: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Of OpenAI's names: `tool_choice`, `response_format`, `top_p`, `stop`, `seed`, …"""


@dataclass
class LLMResponse:
    """A whole reply. A reply with `tool_calls` asks for tools; `usage` has OpenAI's names, and `cost` in US dollars."""

    content: str | None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    model: str | None = None


@dataclass
class LLMChunk:
    """A piece of a reply. The last one is `done`, and may have the `usage` of an `LLMResponse`."""

    delta: str | None = None
    tool_call_delta: dict[str, Any] | None = None
    """`{"id", "function": {"name"}}` begins a call, `{"id", "function": {"arguments"}}` adds to its JSON text."""

    done: bool = False
    usage: dict[str, Any] | None = None


@runtime_checkable
class Model(Protocol):
    """What `resolve_model` returns, and what an agent takes as its `model`: yours need not have more than `complete`.

    `agent.stream` asks by `complete_stream` where there is one that gives anything, else by `complete`. The methods are
    awaited on the event loop of whoever runs the agent.
    """

    async def complete(self, request: LLMRequest) -> LLMResponse: ...

    def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]: ...

    async def close(self) -> None: ...


class AnyModel(Protocol):
    """The least that a model of yours has to have."""

    async def complete(self, request: LLMRequest) -> LLMResponse: ...
