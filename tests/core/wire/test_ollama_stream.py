"""Ollama's own streams as servers really send them."""

import asyncio
from typing import Any

import pytest
from harness.wire import answer, chunks, fault, talk

from agentrouted.core.endpoint import Timeouts
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.base import CallArguments, CallStart, ModelReply, TextChunk
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing import ollama
from agentrouted.testing.replies import Reply
from agentrouted.testing.upstream import Upstream

HERE: dict[str, Any] = {"wire": "ollama_chat", "provider": "ollama"}


def server(*script: Reply) -> Upstream:
    return Upstream(script, beside=ollama.beside())


async def test_text_comes_line_by_line_and_then_whole(http: HttpClient) -> None:
    async with server(ollama.text("Hello", " world")) as upstream:
        *parts, reply = await chunks(http, upstream.url, **HERE)
        assert [request.path for request in upstream.requests] == ["/api/chat"]
    assert parts == [TextChunk("Hello"), TextChunk(" world")]
    assert isinstance(reply, ModelReply)
    assert (reply.text, reply.finish_reason, reply.model) == ("Hello world", "stop", "test-model")
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.estimated) == (10, 5, False)


async def test_a_line_arrives_before_the_next_is_sent(http: HttpClient) -> None:
    more = asyncio.Event()
    async with server(ollama.text("first", more, "second")) as upstream:
        seen = []
        async for batch in talk(http, upstream.url, **HERE):
            seen.append(batch[0])
            more.set()
    assert seen[:2] == [TextChunk("first"), TextChunk("second")]


PARROT = "Grüße, 世界 🦜"
WHOLE = {**ollama.piece({"content": PARROT}), "done": True, "done_reason": "stop"}
ONE_TEXT_IN_MANY_WAYS = {
    "byte by byte": ollama.text(PARROT).dripped(),
    "gzip, byte by byte": ollama.text("Grüße, ", "世界 🦜").gzipped().dripped(),
    "one document": Reply.json(WHOLE),
    "one document over many lines": Reply.raw(b'{\n  "message":\n {"content": "', PARROT.encode(), b'"},"done": true}'),
    "no last line break": Reply.raw(b'{"message":{"content":"%b"},"done":true}' % PARROT.encode()),
    "returns and empty lines": Reply.raw(
        b'\r\n{"message":{"content":"%b"}}\r\n\r\n{"done":true}\r\n' % PARROT.encode()
    ),
    "a list": Reply.json([ollama.piece({"content": PARROT}), {"done": True}]),
    "more after the end": Reply.raw(b'{"message":{"content":"%b"},"done":true}\n{"message"' % PARROT.encode()),
    "reset after the end": ollama.text(PARROT).cut(after=10**6),
}


@pytest.mark.parametrize("script", ONE_TEXT_IN_MANY_WAYS.values(), ids=ONE_TEXT_IN_MANY_WAYS)
async def test_the_same_text_however_it_is_sent(http: HttpClient, script: Reply) -> None:
    async with server(script) as upstream:
        assert (await answer(http, upstream.url, **HERE)).text == PARROT


async def test_a_line_of_megabytes_is_a_line(http: HttpClient) -> None:
    long = "x" * 3_000_000
    async with server(ollama.text(long)) as upstream:
        assert (await answer(http, upstream.url, **HERE)).text == long


@pytest.mark.parametrize(
    "script",
    [
        ollama.chat({"content": "", "thinking": "pl"}, {"content": "", "thinking": "an"}, {"content": "Done."}),
        ollama.text("<think>plan</think>\n\nDone."),
        Reply.json({"message": {"thinking": "plan", "content": "Done."}, "done": True}),
    ],
)
async def test_thinking_is_told_from_text(http: HttpClient, script: Reply) -> None:
    async with server(script) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.reasoning, reply.text) == ("plan", "Done.")


async def test_a_call_comes_whole_and_gets_an_id_where_it_has_none(http: HttpClient) -> None:
    async with server(ollama.tool_calls(("add", {"a": 1}))) as upstream:
        *parts, reply = await chunks(http, upstream.url, **HERE)
    assert isinstance(reply, ModelReply)
    [call] = reply.calls
    assert (call.name, call.arguments) == ("add", {"a": 1})
    assert parts == [CallStart(call.id, "add"), CallArguments(call.id, '{"a":1}')]


@pytest.mark.parametrize(
    "script",
    [
        ollama.tool_calls(("add", {"a": 1}), ("add", {"a": 2}), ("now", {})),
        ollama.tool_calls(("add", {"a": 1}), ("add", {"a": 2}), ("now", {}), ids=True),
        ollama.chat(
            {"tool_calls": [{"function": {"index": 0, "name": "add", "arguments": {"a": 1}}}]},
            {"tool_calls": [{"function": {"index": 0, "name": "add", "arguments": '{"a": 2}'}}]},
            {"tool_calls": [{"function": {"index": 0, "name": "now"}}, "?"]},
        ),
    ],
)
async def test_calls_side_by_side_are_told_apart(http: HttpClient, script: Reply) -> None:
    async with server(script) as upstream:
        calls = (await answer(http, upstream.url, **HERE)).calls
    assert [(call.name, call.arguments) for call in calls] == [("add", {"a": 1}), ("add", {"a": 2}), ("now", {})]
    assert len({call.id for call in calls}) == 3


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (ollama.lines(ollama.piece({"content": "Hel"})), "responseTruncated"),
        (ollama.text("Hello", "world").cut(after=120), "responseTruncated"),
        (Reply.raw(b'{"message":{"content":"Hel"}}\n{"mess'), "responseTruncated"),
        (ollama.text(), "responseInvalid"),
        (ollama.chat({"thinking": "only thoughts"}), "responseInvalid"),
        (Reply.raw(), "responseInvalid"),
        (Reply.raw(b"not json\n"), "responseInvalid"),
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
        (ollama.text("Hello").gzipped().cut(after=20), "responseTruncated"),
    ],
)  # fmt: skip
async def test_a_reply_that_is_none_is_an_error(http: HttpClient, script: Reply, kind: str) -> None:
    async with server(script) as upstream:
        error = await fault(http, upstream.url, **HERE)
    assert error.kind == kind
    assert "ollama" in error.message


async def test_a_model_that_is_not_there_is_pulled(http: HttpClient) -> None:
    async with server(Reply.status(404, {"error": "model 'big-model' not found"})) as upstream:
        error = await fault(http, upstream.url, **HERE)
    assert error.hint == "run `ollama pull big-model`"


async def test_text_before_an_error_in_mid_stream_is_not_lost(http: HttpClient) -> None:
    broken = ollama.lines(ollama.piece({"content": "Hel"}), {"error": "an error was encountered"})
    async with server(broken) as upstream:
        stream = talk(http, upstream.url, **HERE)
        assert list(await anext(stream)) == [TextChunk("Hel")]
        with pytest.raises(AgentroutedError) as caught:
            await anext(stream)
    assert (caught.value.kind, caught.value.usage and caught.value.usage.estimated) == ("providerError", True)


async def test_a_server_that_falls_silent_is_not_waited_for(http: HttpClient) -> None:
    script = ollama.lines(ollama.piece({"content": "Hel"}), asyncio.Event())
    async with server(script) as upstream, asyncio.timeout(30):
        error = await fault(http, upstream.url, **HERE, timeouts=Timeouts(idle=0.05))
    assert error.kind == "providerTimeout"


async def test_what_was_cut_at_the_limit_is_a_reply(http: HttpClient) -> None:
    async with server(ollama.text(finish="length")) as upstream:
        assert (await answer(http, upstream.url, **HERE)).finish_reason == "length"


async def test_a_prompt_that_was_cached_is_counted_all_the_same(http: HttpClient) -> None:
    async with server(ollama.text("Hi", usage={"eval_count": 5})) as upstream:
        usage = (await answer(http, upstream.url, **HERE)).usage
    assert (usage.input_tokens > 0, usage.output_tokens, usage.estimated) == (True, 5, True)


async def test_fields_without_a_name_of_ours_are_kept(http: HttpClient) -> None:
    async with server(ollama.text("Hi")) as upstream:
        raw = (await answer(http, upstream.url, **HERE)).raw
    assert raw == {"created_at": "2026-01-01T00:00:00Z", "total_duration": 9}


async def test_a_connection_is_kept_for_the_next_call(http: HttpClient) -> None:
    async with server(ollama.text("Hi")) as upstream:
        await answer(http, upstream.url, **HERE)
        await answer(http, upstream.url, **HERE)
        assert upstream.connections == 1
