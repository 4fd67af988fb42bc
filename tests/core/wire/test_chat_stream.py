"""Chat completions as servers really send them."""

import asyncio
from contextlib import aclosing

import pytest
from harness.wire import answer, batches, chunks, fault, talk

from agentrouted.core.endpoint import Timeouts
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.base import CallArguments, CallStart, ModelReply, TextChunk
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.replies import chunk
from agentrouted.testing.upstream import Reply, Upstream


async def test_text_comes_delta_by_delta_and_then_whole(http: HttpClient) -> None:
    async with Upstream([Reply.text("Hello", " world")]) as upstream:
        *parts, reply = await chunks(http, upstream.url)
    assert parts == [TextChunk("Hello"), TextChunk(" world")]
    assert isinstance(reply, ModelReply)
    assert (reply.text, reply.finish_reason, reply.model) == ("Hello world", "stop", "test-model")
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.model_calls) == (10, 5, 1)


async def test_a_delta_arrives_before_the_next_is_sent(http: HttpClient) -> None:
    more = asyncio.Event()
    async with Upstream([Reply.text("first", more, "second")]) as upstream:
        seen = []
        async for batch in talk(http, upstream.url):
            seen.append(batch[0])
            more.set()
    assert seen[:2] == [TextChunk("first"), TextChunk("second")]


async def test_what_one_read_brings_is_one_item(http: HttpClient) -> None:
    async with Upstream([Reply.text(*["word "] * 50)]) as upstream:
        assert len(await batches(http, upstream.url)) < 50


async def test_a_tool_call_is_told_as_it_is_written(http: HttpClient) -> None:
    halves = [{"index": 0, "function": {"arguments": text}} for text in ('{"a":', " 1}")]
    opened = {"index": 0, "id": "c1", "type": "function", "function": {"name": "add", "arguments": ""}}
    script = Reply.chat(*({"tool_calls": [delta]} for delta in (opened, *halves)), finish="tool_calls")
    async with Upstream([script]) as upstream:
        *parts, reply = await chunks(http, upstream.url)
    assert parts == [CallStart("c1", "add"), CallArguments("c1", '{"a":'), CallArguments("c1", " 1}")]
    assert isinstance(reply, ModelReply)
    assert [(call.id, call.name, call.arguments) for call in reply.calls] == [("c1", "add", {"a": 1})]


async def test_tool_calls_count_under_any_finish_reason(http: HttpClient) -> None:
    call = {"id": "c1", "function": {"name": "add", "arguments": "{}"}}
    async with Upstream([Reply.chat({"tool_calls": [call]}, finish="stop")]) as upstream:
        assert [call.name for call in (await answer(http, upstream.url)).calls] == ["add"]


PARROT = "Grüße, 世界 🦜"
PARROT_JSON = b'"Gr\\u00fc\\u00dfe, \xe4\xb8\x96\xe7\x95\x8c \\ud83e\\udd9c"'
ONE_TEXT_IN_MANY_WAYS = {
    "byte by byte": Reply.text(PARROT).dripped(),
    "gzip": Reply.text(PARROT).gzipped(),
    "gzip, byte by byte": Reply.text("Grüße, ", "世界 🦜").gzipped().dripped(),
    "one document": Reply.json({"choices": [{"message": {"content": PARROT}, "finish_reason": "stop"}]}),
    "one document, said to be a stream": Reply.raw(b'\n\n {"choices": [{"message": {"content": %b}}]}' % PARROT_JSON),
    "content in parts": Reply.chat({"content": [{"type": "text", "text": PARROT}]}),
    "empty choices": Reply.events({"choices": []}, {"choices": None}, chunk({"content": PARROT}), chunk({}, "stop")),
    "blanks before the end": Reply.raw(b'data: {"choices":[{"delta":{"content":%b}}]}\n\ndata:  [DONE]' % PARROT_JSON),
    "no finish reason": Reply.events(chunk({"content": None}), chunk({"content": PARROT}), "[DONE]"),
    "comments, returns, no last blank line": Reply.raw(
        b": PROCESSING\r\n\r\nevent: message\r\n",
        b'data:{"choices":[{"delta":{"content":%b}}]}\r\n\r\n: ping\r\n\r\ndata:[DONE]' % PARROT_JSON,
    ),
    "the whole message once more": Reply.events(
        chunk({"content": PARROT}, "stop"), {"choices": [{"finish_reason": "stop", "message": {"content": PARROT}}]}
    ),
    "reset after the end": Reply.text(PARROT).cut(after=10**6),
}


@pytest.mark.parametrize("script", ONE_TEXT_IN_MANY_WAYS.values(), ids=ONE_TEXT_IN_MANY_WAYS)
async def test_the_same_text_however_it_is_sent(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        assert (await answer(http, upstream.url)).text == PARROT


THINKING_PART = {"type": "thinking", "thinking": [{"type": "text", "text": "plan"}]}
THOUGHTS_IN_MANY_WAYS = {
    "tags": Reply.text("<think>plan</think>\n\nDone."),
    "tags, letter by letter": Reply.text(*"<think>plan</think>\n\nDone."),
    "DeepSeek": Reply.chat({"reasoning_content": "pl"}, {"reasoning_content": "an"}, {"content": "Done."}),
    "OpenRouter": Reply.chat({"reasoning": "plan", "content": ""}, {"content": "Done."}),
    "Mistral": Reply.chat({"content": [THINKING_PART]}, {"content": "Done."}),
    "one document": Reply.json({"choices": [{"message": {"content": "Done.", "reasoning_content": "plan"}}]}),
}


@pytest.mark.parametrize("script", THOUGHTS_IN_MANY_WAYS.values(), ids=THOUGHTS_IN_MANY_WAYS)
async def test_reasoning_is_told_from_text(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        reply = await answer(http, upstream.url)
    assert (reply.reasoning, reply.text) == ("plan", "Done.")


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (Reply.events(chunk({"content": "Hel"})), "responseTruncated"),
        (Reply.text("Hello", "world").cut(after=180), "responseTruncated"),
        (Reply.raw(b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\ndata: {"choi'), "responseTruncated"),
        (Reply.text(), "responseInvalid"),
        (Reply.text("  \n"), "responseInvalid"),
        (Reply.chat({"reasoning": "only thoughts"}), "responseInvalid"),
        (Reply.raw(), "responseInvalid"),
        (Reply.events("[DONE]"), "responseInvalid"),
        (Reply.events({"choices": []}, "[DONE]"), "responseInvalid"),
        (Reply.events("not json"), "responseInvalid"),
        (Reply.events("[1, 2]"), "responseInvalid"),
        (Reply.json({"choices": []}), "responseInvalid"),
        (Reply.json({"hello": "world"}), "responseInvalid"),
        (Reply.raw(b"<!DOCTYPE html><p>Sign in</p>"), "responseInvalid"),
        (Reply.json({"error": {"message": "overloaded", "code": 429}}), "rateLimited"),
        (Reply.json({"error": "model 'x' not found"}), "modelMissing"),
        (Reply.json({"object": "error", "message": "no", "code": 400}), "providerError"),
        (Reply.json({"detail": "no"}), "providerError"),
        (Reply.json({"choices": [{"message": None}]}), "responseInvalid"),
        (Reply.events({"error": {"message": "no credit", "code": 402}}), "quotaExceeded"),
        (Reply.events(chunk({"content": ""}, "error")), "providerError"),
        (Reply.text("Hello").gzipped().cut(after=20), "responseTruncated"),
        (Reply(( b"plain",), headers={"content-encoding": "gzip"}), "responseInvalid"),
    ],
)  # fmt: skip
async def test_a_reply_that_is_none_is_an_error(http: HttpClient, script: Reply, kind: str) -> None:
    async with Upstream([script]) as upstream:
        error = await fault(http, upstream.url)
    assert error.kind == kind
    assert "acme" in error.message


async def test_text_before_an_error_in_mid_stream_is_not_lost(http: HttpClient) -> None:
    broken = {**chunk({"content": ""}, "error"), "error": {"code": 502, "message": "Provider disconnected"}}
    async with Upstream([Reply.events(chunk({"content": "Hel"}), broken)]) as upstream:
        stream = talk(http, upstream.url)
        assert list(await anext(stream)) == [TextChunk("Hel")]
        with pytest.raises(AgentroutedError) as caught:
            await anext(stream)
    assert (caught.value.kind, caught.value.provider and caught.value.provider.status) == ("providerError", 502)


async def test_a_whole_document_that_ends_with_an_error_is_one(http: HttpClient) -> None:
    document = {"choices": [{"message": {"content": "Hel"}, "finish_reason": "error", "error": {"code": 502}}]}
    async with Upstream([Reply.json(document)]) as upstream:
        stream = talk(http, upstream.url)
        assert list(await anext(stream)) == [TextChunk("Hel")]
        with pytest.raises(AgentroutedError) as caught:
            await anext(stream)
    assert caught.value.kind == "providerError"


async def test_a_reply_is_given_before_its_stream_ends_and_its_connection_is_kept(http: HttpClient) -> None:
    end = asyncio.Event()
    said = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    async with Upstream([Reply.raw(said, end)]) as upstream:
        for _ in range(2):
            async with aclosing(talk(http, upstream.url)) as stream:
                assert isinstance((await anext(stream))[-1], ModelReply)
                end.set()
        assert (upstream.connections, len(upstream.requests)) == (1, 2)


async def test_after_the_finish_reason_the_end_is_not_waited_for_long(http: HttpClient) -> None:
    never = asyncio.Event()
    script = Reply.events(chunk({"content": "Hi"}, "stop"), never)
    async with Upstream([script]) as upstream, asyncio.timeout(30):
        assert (await answer(http, upstream.url, timeouts=Timeouts(idle=600))).text == "Hi"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_empty_reply_that_was_cut_short_is_a_reply(http: HttpClient, reason: str) -> None:
    async with Upstream([Reply.text(finish=reason)]) as upstream:
        assert (await answer(http, upstream.url)).finish_reason == reason


async def test_a_refusal_of_the_model_is_its_text(http: HttpClient) -> None:
    async with Upstream([Reply.chat({"refusal": "I will "}, {"refusal": "not."})]) as upstream:
        reply = await answer(http, upstream.url)
    assert (reply.text, reply.finish_reason) == ("I will not.", "refusal")


async def test_a_broken_character_does_not_lose_the_reply(http: HttpClient) -> None:
    half = b'data: {"choices":[{"delta":{"content":"a\\ud83d b\xff"}}]}\n\ndata: [DONE]\n\n'
    async with Upstream([Reply.raw(half)]) as upstream:
        assert (await answer(http, upstream.url)).text == "a� b�"


async def test_an_empty_reply_still_has_its_bill(http: HttpClient) -> None:
    async with Upstream([Reply.text()]) as upstream:
        error = await fault(http, upstream.url)
    assert error.usage is not None
    assert error.usage.input_tokens == 10


async def test_fields_without_a_name_of_ours_are_kept(http: HttpClient) -> None:
    last = {**chunk({}, "stop"), "system_fingerprint": "fp_1", "provider": "Acme East"}
    async with Upstream([Reply.events(chunk({"content": "Hi"}), last, "[DONE]")]) as upstream:
        reply = await answer(http, upstream.url)
    assert reply.raw == {"id": "chatcmpl-1", "created": 0, "system_fingerprint": "fp_1", "provider": "Acme East"}
    assert reply.request_id == "chatcmpl-1"


async def test_the_request_id_is_that_of_the_header_first(http: HttpClient) -> None:
    script = Reply(Reply.text("Hi").steps, headers={"x-request-id": "req_1"})
    async with Upstream([script]) as upstream:
        assert (await answer(http, upstream.url)).request_id == "req_1"
