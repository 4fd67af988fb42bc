"""Ollama's own streams as servers really send them. What holds for all formats is in `test_formats.py`."""

from typing import Any

import pytest
from harness.wire import answer, fault

from agentrouted.core.wire.http import HttpClient
from agentrouted.testing import ollama
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import Thought
from agentrouted.testing.upstream import Upstream

HERE: dict[str, Any] = {"wire": "ollama_chat", "provider": "ollama"}

PARROT = "Grüße, 世界 🦜"
ONE_TEXT_IN_MANY_WAYS = {
    "one document over many lines": Reply.raw(b'{\n  "message":\n {"content": "', PARROT.encode(), b'"},"done": true}'),
    "no last line break": Reply.raw(b'{"message":{"content":"%b"},"done":true}' % PARROT.encode()),
    "returns and empty lines": Reply.raw(
        b'\r\n{"message":{"content":"%b"}}\r\n\r\n{"done":true}\r\n' % PARROT.encode()
    ),
    "a list": Reply.json([ollama.piece({"content": PARROT}), {"done": True}]),
    "more after the end": Reply.raw(b'{"message":{"content":"%b"},"done":true}\n{"message"' % PARROT.encode()),
    "reset after the end": ollama.stream(PARROT).cut(after=10**6),
}


@pytest.mark.parametrize("script", ONE_TEXT_IN_MANY_WAYS.values(), ids=ONE_TEXT_IN_MANY_WAYS)
async def test_the_same_text_however_it_is_sent(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).text == PARROT


async def test_a_line_of_megabytes_is_a_line(http: HttpClient) -> None:
    long = "x" * 3_000_000
    async with Upstream([ollama.stream(long)]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).text == long


@pytest.mark.parametrize(
    "messages",
    [
        [[{"name": "add", "arguments": {"a": 1}}, {"name": "add", "arguments": {"a": 2}}, {"name": "now"}]],
        [[{"index": 0, "name": "add", "arguments": {"a": 1}}],
         [{"index": 0, "name": "add", "arguments": '{"a": 2}'}],
         [{"index": 0, "name": "now", "arguments": None}]],
    ],
)  # fmt: skip
async def test_calls_without_ids_are_told_apart(http: HttpClient, messages: list[list[dict[str, Any]]]) -> None:
    written = [[*({"function": function} for function in functions), "?"] for functions in messages]
    pieces = [ollama.piece({"content": "", "tool_calls": calls}) for calls in written]
    async with Upstream([ollama.lines(*pieces, {"done": True})]) as upstream:
        calls = (await answer(http, upstream.url, **HERE)).calls
    assert [(call.name, call.arguments) for call in calls] == [("add", {"a": 1}), ("add", {"a": 2}), ("now", {})]
    assert len({call.id for call in calls}) == 3


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (Reply.raw(b'{"message":{"content":"Hel"}}\n{"mess'), "responseTruncated"),
        (Reply.raw(b"<!DOCTYPE html><p>Sign in</p>"), "responseInvalid"),
        (Reply.json({"done": True, "done_reason": "load"}), "responseInvalid"),
        (Reply.json({"error": "model 'm' not found"}), "modelMissing"),
        (Reply.status(404, {"error": 'model "m" not found, try pulling it first'}), "modelMissing"),
        (Reply.status(400, {"error": '"m" does not support tools'}), "providerError"),
        (Reply.status(500, {"error": "model requires more system memory (9 GiB) than is available"}), "providerError"),
        (Reply.status(503, {"error": "server busy, please try again.  maximum pending requests exceeded"}),
         "providerError"),
        (Reply.status(429, {"error": "too many requests"}), "rateLimited"),
        (Reply.status(401, {"error": "unauthorized", "signin_url": "https://x"}), "providerAuth"),
        (Reply.status(400, {"error": "request (9000 tokens) exceeds the available context size (4096 tokens)"}),
         "contextOverflow"),
        (Reply.status(400, {"error": "the prompt is longer than the context length currently available to the model"}),
         "contextOverflow"),
        (Reply.json({"error": "an error was encountered while running the model", "status": 500}), "providerError"),
    ],
)  # fmt: skip
async def test_a_reply_that_is_none_is_an_error(http: HttpClient, script: Reply, kind: str) -> None:
    async with Upstream([script]) as upstream:
        error = await fault(http, upstream.url, **HERE)
    assert error.kind == kind
    assert "ollama" in error.message


async def test_a_model_that_is_not_there_is_pulled(http: HttpClient) -> None:
    async with Upstream([Reply.status(404, {"error": "model 'big-model' not found"})]) as upstream:
        error = await fault(http, upstream.url, **HERE)
    assert error.hint == "run `ollama pull big-model`"


async def test_a_prompt_that_was_cached_is_counted_all_the_same(http: HttpClient) -> None:
    script = ollama.lines({**ollama.piece({"content": "Hi"}), "done": True, "eval_count": 5})
    async with Upstream([script]) as upstream:
        usage = (await answer(http, upstream.url, **HERE)).usage
    assert (usage.input_tokens > 0, usage.output_tokens, usage.estimated) == (True, 5, True)


async def test_fields_without_a_name_of_ours_are_kept(http: HttpClient) -> None:
    async with Upstream([ollama.stream(Thought("plan"), "Hi")]) as upstream:
        raw = (await answer(http, upstream.url, **HERE)).raw
    assert raw == {"created_at": "2026-01-01T00:00:00Z", "total_duration": 9}


async def test_a_connection_is_kept_for_the_next_call(http: HttpClient) -> None:
    async with Upstream([ollama.stream("Hi")]) as upstream:
        await answer(http, upstream.url, **HERE)
        await answer(http, upstream.url, **HERE)
        assert upstream.connections == 1
