"""Embeddings, as each kind of server makes them."""

from typing import Any

import pytest
from harness.wire import KEY, endpoint

from agentrouted.core.errors import (
    AgentroutedError,
    ConfigInvalid,
    ContextOverflow,
    ModelMissing,
    ProviderAuth,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    ResponseInvalid,
    ResponseTruncated,
)
from agentrouted.core.wire.embeddings import embed, embedding_request
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.upstream import Reply, Upstream

ONE, TWO = [1.0, 0.0], [0.0, 2.5]
OPENAI = {
    "object": "list",
    "model": "served",
    "data": [{"index": 1, "embedding": TWO}, {"index": 0, "embedding": ONE}],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}
OLLAMA = {"model": "served", "embeddings": [ONE, TWO], "prompt_eval_count": 7}
GEMINI = {"embeddings": [{"values": ONE}, {"values": TWO}], "usageMetadata": {"promptTokenCount": 7}}
TEXTS = embedding_request(["one", "two"])

# By format: the path, what is sent, what comes back.
FORMATS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("chat_completions", "/v1/embeddings", {"model": "big-model", "input": ["one", "two"]}, OPENAI),
    ("openai_responses", "/v1/embeddings", {"model": "big-model", "input": ["one", "two"]}, OPENAI),
    ("ollama_chat", "/api/embed", {"model": "big-model", "input": ["one", "two"], "keep_alive": "9m"}, OLLAMA),
    (
        "gemini_generate_content",
        "/v1/models/big-model:batchEmbedContents",
        {
            "requests": [
                {"model": "models/big-model", "content": {"parts": [{"text": "one"}]}},
                {"model": "models/big-model", "content": {"parts": [{"text": "two"}]}},
            ]
        },
        GEMINI,
    ),
]


@pytest.mark.parametrize(("wire", "path", "sent", "reply"), FORMATS, ids=[row[0] for row in FORMATS])
async def test_each_format_asks_and_reads_in_its_own_way(
    http: HttpClient, wire: str, path: str, sent: dict[str, Any], reply: dict[str, Any]
) -> None:
    async with Upstream([Reply.json(reply)]) as upstream:
        vectors, bill = await embed(http, endpoint(upstream.url, wire=wire, keep_alive="9m"), TEXTS)
    [request] = upstream.requests
    assert (request.path, request.body) == (path, sent) and KEY in str(request.headers)
    assert vectors == [ONE, TWO]
    assert (bill.usage.input_tokens, bill.usage.output_tokens, bill.usage.estimated) == (7, 0, False)


async def test_what_is_not_reported_is_estimated(http: HttpClient) -> None:
    async with Upstream([Reply.json({"data": OPENAI["data"]})]) as upstream:
        _, bill = await embed(http, endpoint(upstream.url), TEXTS)
    assert bill.usage.estimated and bill.usage.input_tokens > 0 and bill.usage.total_cost_usd is None


async def test_a_provider_that_makes_none_is_told_without_asking_it(http: HttpClient) -> None:
    async with Upstream() as upstream:
        with pytest.raises(ConfigInvalid) as raised:
            await embed(http, endpoint(upstream.url, wire="anthropic_messages", provider="anthropic"), TEXTS)
    assert "anthropic makes no embeddings" in raised.value.message and not upstream.requests


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply.json({"data": [{"index": 0, "embedding": ONE}]}), ResponseInvalid),
        (Reply.json({"data": [{"embedding": ONE}, {"embedding": [1.0]}]}), ResponseInvalid),
        (Reply.json({"data": [{"embedding": []}, {"embedding": []}]}), ResponseInvalid),
        (Reply.json({"data": [{"embedding": "AAAA"}, {}]}), ResponseInvalid),
        (Reply.json({"data": None}), ResponseInvalid),
        (Reply.json([]), ResponseInvalid),
        (Reply.raw(b"<html>"), ResponseInvalid),
        (Reply.json({"data": [{"embedding": [10**400]}, {"embedding": [1]}]}), ResponseInvalid),
        (Reply.json(OPENAI).cut(20), ResponseTruncated),
        (Reply.hang_up(), ProviderUnreachable),
        (Reply.status(401), ProviderAuth),
        (Reply.status(404, {"error": {"code": "model_not_found", "message": "no such model"}}), ModelMissing),
        (Reply.status(429), RateLimited),
        (Reply.status(501, {"error": {"message": "This server does not support embeddings."}}), ProviderError),
        (Reply.status(400, {"error": {"code": "context_length_exceeded", "message": "too long"}}), ContextOverflow),
        (Reply.status(302, "", {"location": "http://elsewhere.example/v1/embeddings"}), ProviderError),
    ],
)
async def test_what_goes_wrong_is_one_of_our_errors(
    http: HttpClient, reply: Reply, error: type[AgentroutedError]
) -> None:
    async with Upstream([reply]) as upstream:
        with pytest.raises(error) as raised:
            await embed(http, endpoint(upstream.url), TEXTS)
    assert KEY not in str(raised.value) and len(upstream.requests) == 1


async def test_a_bill_that_is_none_is_one_of_our_errors(http: HttpClient) -> None:
    async with Upstream([Reply.json(GEMINI | {"usageMetadata": "free"})]) as upstream:
        with pytest.raises(ResponseInvalid):
            await embed(http, endpoint(upstream.url, wire="gemini_generate_content"), TEXTS)
