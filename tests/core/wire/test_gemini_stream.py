"""Gemini's streams as they are really sent. What holds for all formats is in `test_formats.py`."""

from typing import Any

import pytest
from harness.wire import KEY, answer, fault

from agentrouted.core.wire.http import HttpClient
from agentrouted.testing import gemini
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import Call
from agentrouted.testing.upstream import Upstream

HERE: dict[str, Any] = {"wire": "gemini_generate_content", "provider": "google", "model_id": "gemini-x"}
SIGNED = {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
UNSIGNED = {"functionCall": {"name": "add", "args": {"a": 2}}}
NOW = {"functionCall": {"name": "now", "args": None}}


async def test_the_key_is_in_googles_header_and_in_no_other(http: HttpClient) -> None:
    async with Upstream([gemini.stream("Hi")]) as upstream:
        await answer(http, upstream.url, **HERE)
    headers = upstream.requests[0].headers
    assert headers["x-goog-api-key"] == KEY
    assert "authorization" not in headers


async def test_a_name_as_google_lists_it_leads_to_the_same_model(http: HttpClient) -> None:
    async with Upstream([gemini.stream("Hi")]) as upstream:
        await answer(http, upstream.url, **{**HERE, "model_id": "models/gemini-x"})
    assert upstream.requests[0].path == "/v1/models/gemini-x:streamGenerateContent?alt=sse"


PARROT = "Grüße, 世界 🦜"
ONE_TEXT_IN_MANY_WAYS = {
    "a list": Reply.json([gemini.chunk([{"text": "Grüße, "}]), gemini.chunk([{"text": "世界 🦜"}], "STOP")]),
    "many parts": Reply.json(gemini.chunk([{"text": "Grüße, "}, {"text": ""}, {"text": "世界 🦜"}], "STOP")),
    "candidates without content": Reply.events(
        {"candidates": [{"index": 0}]}, {"usageMetadata": {}}, gemini.chunk([{"text": PARROT}], "STOP")
    ),
    "reset after the end": gemini.stream(PARROT).cut(after=10**6),
}


@pytest.mark.parametrize("script", ONE_TEXT_IN_MANY_WAYS.values(), ids=ONE_TEXT_IN_MANY_WAYS)
async def test_the_same_text_however_it_is_sent(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).text == PARROT


@pytest.mark.parametrize(
    "script",
    [
        Reply.events(*(gemini.chunk([part]) for part in (SIGNED, UNSIGNED, NOW)), gemini.chunk([], "STOP")),
        Reply.json(gemini.chunk([SIGNED, UNSIGNED, NOW], "STOP")),
    ],
)
async def test_calls_side_by_side_are_told_apart_and_the_signature_is_kept(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert [(call.name, call.arguments) for call in reply.calls] == [("add", {"a": 1}), ("add", {"a": 2}), ("now", {})]
    assert len({call.id for call in reply.calls}) == 3
    assert reply.signed is not None
    assert [(each.at, each.block) for each in reply.signed.blocks] == [(0, {"thoughtSignature": "c2ln"})]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 5}, (10, 5, 0, 0)),
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7}, (10, 12, 0, 7)),
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "cachedContentTokenCount": 8}, (10, 5, 8, 0)),
        ({"promptTokenCount": 10, "toolUsePromptTokenCount": 4, "candidatesTokenCount": 5}, (14, 5, 0, 0)),
        ({"promptTokenCount": 10, "candidatesTokenCount": "5", "thoughtsTokenCount": True}, (10, 1, 0, 0)),
    ],
)
async def test_tokens_are_counted_with_thoughts_and_cache(
    http: HttpClient, usage: dict[str, Any], counts: tuple[int, ...]
) -> None:
    async with Upstream([Reply.json({**gemini.chunk([{"text": "Hi"}], "STOP"), "usageMetadata": usage})]) as upstream:
        bill = (await answer(http, upstream.url, **HERE)).usage
    assert (bill.input_tokens, bill.output_tokens, bill.cached_tokens, bill.reasoning_tokens) == counts


@pytest.mark.parametrize(
    ("finish", "word"),
    [("STOP", "stop"), ("MAX_TOKENS", "max_tokens"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
     ("PROHIBITED_CONTENT", "content_filter"), ("OTHER", "other")],
)  # fmt: skip
async def test_why_it_stopped_is_said_in_words_of_ours(http: HttpClient, finish: str, word: str) -> None:
    async with Upstream([gemini.stream("Hi", finish=finish)]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).finish_reason == word


async def test_a_call_of_an_unknown_tool_is_a_call(http: HttpClient) -> None:
    script = gemini.stream(Call("c1", "list_files", {}), finish="UNEXPECTED_TOOL_CALL")
    async with Upstream([script]) as upstream:
        assert [call.name for call in (await answer(http, upstream.url, **HERE)).calls] == ["list_files"]


async def test_what_the_last_chunk_does_not_count_again_still_counts(http: HttpClient) -> None:
    first = {**gemini.chunk([{"text": "Hi"}]), "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 21}}
    last = {**gemini.chunk([], "STOP"), "usageMetadata": {"promptTokenCount": 9, "thoughtsTokenCount": 5}}
    async with Upstream([Reply.events(first, last)]) as upstream:
        usage = (await answer(http, upstream.url, **HERE)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (9, 26, 5)


async def test_a_prompt_that_is_blocked_is_refused(http: HttpClient) -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    async with Upstream([Reply.events(blocked)]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.text, reply.finish_reason, reply.usage.input_tokens) == ("", "content_filter", 4)
    assert reply.raw == {"promptFeedback": {"blockReason": "SAFETY"}}


async def test_fields_without_a_name_of_ours_are_kept(http: HttpClient) -> None:
    first, last = gemini.chunk([{"text": "Hi"}]), gemini.chunk([{"executableCode": {"code": "1"}}], "STOP")
    first["createTime"] = "now"
    last["candidates"][0]["groundingMetadata"] = {"x": 1}
    async with Upstream([Reply.events(first, last)]) as upstream:
        raw = (await answer(http, upstream.url, **HERE)).raw
    assert raw == {
        "createTime": "now",
        "groundingMetadata": {"x": 1},
        "parts": [{"executableCode": {"code": "1"}}],
    }


def _refusal(code: int, status: str, message: str) -> Reply:
    return Reply.status(code, {"error": {"code": code, "status": status, "message": message}})


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (gemini.stream(finish="MALFORMED_FUNCTION_CALL"), "responseInvalid"),
        (Reply.raw(b"<!DOCTYPE html><p>Sign in</p>"), "responseInvalid"),
        (_refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "providerAuth"),
        (_refusal(403, "PERMISSION_DENIED", "no"), "providerAuth"),
        (_refusal(404, "NOT_FOUND", "models/gemini-x is not found for API version v1beta"), "modelMissing"),
        (_refusal(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"), "rateLimited"),
        (_refusal(503, "UNAVAILABLE", "The model is overloaded."), "providerError"),
        (_refusal(400, "INVALID_ARGUMENT",
                  "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."),
         "contextOverflow"),
        (Reply.events({"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}), "providerError"),
        (Reply.json([{"error": {"code": 429, "message": "slow down"}}]), "rateLimited"),
    ],
)  # fmt: skip
async def test_a_reply_that_is_none_is_an_error(http: HttpClient, script: Reply, kind: str) -> None:
    async with Upstream([script]) as upstream:
        error = await fault(http, upstream.url, **HERE)
    assert error.kind == kind
    assert "google" in error.message


async def test_google_says_in_the_body_how_long_to_wait(http: HttpClient) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": [{"x": 1}, info]}
    async with Upstream([Reply.status(429, {"error": error})]) as upstream:
        assert (await fault(http, upstream.url, **HERE)).retry_after == 34.5
