"""Texts as vectors, in the format of each kind of server."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import ConfigInvalid, ResponseInvalid
from agentrouted.core.in_words import in_words
from agentrouted.core.tokens import text_of
from agentrouted.core.wire.base import ModelReply, ModelRequest
from agentrouted.core.wire.bill import bill
from agentrouted.core.wire.http import HttpClient
from agentrouted_protocol.messages import Message

Vector = list[float]

_LARGEST: Final = 64 * 1024 * 1024


def embedding_request(texts: Sequence[str]) -> ModelRequest:
    """As the ledger and the budgets take it. There is no reply to be paid for."""
    return ModelRequest(messages=[Message(role="user", content=text) for text in texts], max_tokens=1)


async def embed(http: HttpClient, endpoint: Endpoint, request: ModelRequest) -> tuple[list[Vector], ModelReply]:
    """One vector for each text, in order, as the server made them; and a reply that has only the bill.

    Raises the errors of `core.errors` only.
    """
    way = _WAYS.get(endpoint.wire)
    if way is None:
        raise ConfigInvalid(
            f"{endpoint.provider} makes no embeddings",
            hint="name a model that does, such as `ollama/nomic-embed-text` or `openai/text-embedding-3-small`",
        )
    texts = [text_of(message) for message in request.messages]
    if way.beside:
        endpoint = replace(endpoint, base_url=endpoint.base_url.removesuffix("/v1"))
    async with aclosing(await http.send(endpoint, "POST", way.path(endpoint), way.body(endpoint, texts))) as exchange:
        body = await exchange.read_all(_LARGEST)
    # A megabyte of numbers.
    vectors, usage, model = await asyncio.to_thread(_read, way, endpoint, body)
    if len(vectors) != len(texts):
        raise ResponseInvalid(
            f"{endpoint.label} sent {in_words(len(vectors), 'embedding')} for {in_words(len(texts), 'text')}"
        )
    spent = bill(endpoint, request, usage, 0)
    return vectors, ModelReply("", "", (), None, spent, model, exchange.request_id)


@dataclass(frozen=True, slots=True)
class _Way:
    path: Callable[[Endpoint], str]
    body: Callable[[Endpoint, Sequence[str]], bytes]
    vectors: Callable[[Any], list[Any]]
    """In the document that the server sends; raises what looking into it raises."""

    usage: Callable[[Any], Any]
    """As `vectors`."""

    beside: bool = False
    """Whether the path begins beside OpenAI's `/v1`, not under it."""


def _read(way: _Way, endpoint: Endpoint, body: bytes) -> tuple[list[Vector], Mapping[str, Any], str | None]:
    try:
        document = from_json(body)
        vectors = [[float(number) for number in vector] for vector in way.vectors(document)]
        usage, model = way.usage(document), document.get("model")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise ResponseInvalid(f"{endpoint.label} sent embeddings in a way that is not known") from None
    if not all(vectors) or len({len(vector) for vector in vectors}) > 1:
        raise ResponseInvalid(f"{endpoint.label} sent embeddings of different lengths")
    return vectors, usage if isinstance(usage, Mapping) else {}, model if isinstance(model, str) else None


def _openai_body(endpoint: Endpoint, texts: Sequence[str]) -> bytes:
    return to_json({"model": endpoint.model_id, "input": texts})


def _openai_vectors(document: Any) -> list[Any]:
    # Nobody promises that they come in order.
    return [each["embedding"] for each in sorted(document["data"], key=lambda each: each.get("index", 0))]


def _ollama_body(endpoint: Endpoint, texts: Sequence[str]) -> bytes:
    kept = {} if endpoint.keep_alive is None else {"keep_alive": endpoint.keep_alive}
    return to_json({"model": endpoint.model_id, "input": texts, **kept})


def _gemini_name(endpoint: Endpoint) -> str:
    # Google's own lists of models have the names so.
    return f"models/{endpoint.model_id.removeprefix('models/')}"


def _gemini_body(endpoint: Endpoint, texts: Sequence[str]) -> bytes:
    name = _gemini_name(endpoint)
    return to_json({"requests": [{"model": name, "content": {"parts": [{"text": text}]}} for text in texts]})


# https://platform.openai.com/docs/api-reference/embeddings
_OPENAI: Final = _Way(
    path=lambda endpoint: "/embeddings",
    body=_openai_body,
    vectors=_openai_vectors,
    usage=lambda document: document.get("usage"),
)

_WAYS: Final[Mapping[str, _Way]] = {
    "chat_completions": _OPENAI,
    "openai_responses": _OPENAI,
    # https://github.com/ollama/ollama/blob/main/docs/api.md: under `/v1`, it would not know `keep_alive`.
    "ollama_chat": _Way(
        path=lambda endpoint: "/api/embed",
        body=_ollama_body,
        vectors=lambda document: list(document["embeddings"]),
        usage=lambda document: {"prompt_tokens": document.get("prompt_eval_count")},
        beside=True,
    ),
    # https://ai.google.dev/api/embeddings
    "gemini_generate_content": _Way(
        path=lambda endpoint: f"/{_gemini_name(endpoint)}:batchEmbedContents",
        body=_gemini_body,
        vectors=lambda document: [each["values"] for each in document["embeddings"]],
        usage=lambda document: {"prompt_tokens": (document.get("usageMetadata") or {}).get("promptTokenCount")},
    ),
}
