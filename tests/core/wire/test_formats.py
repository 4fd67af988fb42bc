"""What holds for every wire format, streamed and whole."""

import asyncio
import json
from collections.abc import Callable

import pytest
from harness.dialects import DIALECTS, Dialect
from harness.wire import KEY, answer, batches, chunks, fault, talk

from agentrouted.core.endpoint import Price
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, ModelReply, TextChunk
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import Call, Thought, Tokens
from agentrouted.testing.upstream import Upstream

PARROT = "Grüße, 世界 🦜"
ADD, SUB = Call("c1", "add", {"a": 1, "b": "ü"}), Call("c2", "sub", {})


@pytest.fixture(params=DIALECTS.values(), ids=list(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(params=["stream", "whole"])
def said(request: pytest.FixtureRequest, dialect: Dialect) -> Callable[..., Reply]:
    builder: Callable[..., Reply] = getattr(dialect, request.param)
    return builder


async def asked(http: HttpClient, dialect: Dialect, script: Reply) -> ModelReply:
    async with Upstream([script]) as upstream:
        return await answer(http, upstream.url, wire=dialect.wire)


async def refused(http: HttpClient, dialect: Dialect, script: Reply) -> AgentroutedError:
    async with Upstream([script]) as upstream:
        return await fault(http, upstream.url, wire=dialect.wire)


async def test_each_has_its_path_and_asks_for_a_stream(http: HttpClient, dialect: Dialect) -> None:
    async with Upstream([dialect.stream("Hi")]) as upstream:
        await answer(http, upstream.url, wire=dialect.wire)
    [request] = upstream.requests
    assert (request.method, request.path) == ("POST", dialect.path)
    assert "big-model" in f"{request.path} {request.body}"
    assert "stream" in request.path or request.body["stream"] is True
    assert KEY in str(request.headers)


async def test_text_is_said(http: HttpClient, dialect: Dialect, said: Callable[..., Reply]) -> None:
    reply = await asked(http, dialect, said("Hello", " world"))
    assert (reply.text, reply.reasoning, reply.calls) == ("Hello world", "", ())
    assert (reply.finish_reason, reply.model) == (dialect.finished, "test-model")
    assert bool(reply.request_id) is dialect.has_ids


async def test_a_delta_arrives_before_the_next_is_sent(http: HttpClient, dialect: Dialect) -> None:
    more = asyncio.Event()
    async with Upstream([dialect.stream("first", more, "second")]) as upstream:
        seen: list[Chunk] = []
        async for batch in talk(http, upstream.url, wire=dialect.wire):
            seen += batch
            more.set()
    assert seen[:2] == [TextChunk("first"), TextChunk("second")]


async def test_what_one_read_brings_is_one_item(http: HttpClient, dialect: Dialect) -> None:
    async with Upstream([dialect.stream(*["word "] * 50)]) as upstream:
        assert len(await batches(http, upstream.url, wire=dialect.wire)) < 50


@pytest.mark.parametrize("way", [Reply.dripped, Reply.gzipped, lambda reply: reply.gzipped().dripped()])
async def test_bytes_may_come_in_any_way(
    http: HttpClient, dialect: Dialect, said: Callable[..., Reply], way: Callable[[Reply], Reply]
) -> None:
    reply = await asked(http, dialect, way(said(PARROT, ADD)))
    assert (reply.text, [call.arguments for call in reply.calls]) == (PARROT, [ADD.arguments])


async def test_calls_are_whole_in_the_end(http: HttpClient, dialect: Dialect, said: Callable[..., Reply]) -> None:
    reply = await asked(http, dialect, said("Let me see.", ADD, SUB))
    assert reply.text == "Let me see."
    assert [(call.id, call.name, call.arguments) for call in reply.calls] == [
        ("c1", "add", ADD.arguments),
        ("c2", "sub", {}),
    ]


async def test_a_call_is_told_as_it_is_written(http: HttpClient, dialect: Dialect) -> None:
    async with Upstream([dialect.stream(ADD)]) as upstream:
        *parts, _ = await chunks(http, upstream.url, wire=dialect.wire)
    assert parts[0] == CallStart("c1", "add")
    arguments = [part.text for part in parts if isinstance(part, CallArguments)]
    assert len(arguments) == dialect.call_pieces
    assert json.loads("".join(arguments)) == ADD.arguments


async def test_an_id_that_was_given_before_is_not_given_again(
    http: HttpClient, dialect: Dialect, said: Callable[..., Reply]
) -> None:
    reply = await asked(http, dialect, said(ADD, Call("c1", "add", {"a": 2})))
    assert len({call.id for call in reply.calls}) == 2


async def test_reasoning_is_told_from_text(http: HttpClient, dialect: Dialect, said: Callable[..., Reply]) -> None:
    reply = await asked(http, dialect, said(Thought("plan"), "Done."))
    assert (reply.reasoning, reply.text, reply.signed) == ("plan", "Done.", None)


async def test_tags_of_thinking_are_reasoning(http: HttpClient, dialect: Dialect, said: Callable[..., Reply]) -> None:
    reply = await asked(http, dialect, said(*"<think>plan</think>\n\nDone."))
    assert (reply.reasoning, reply.text) == ("plan", "Done.")


async def test_signed_reasoning_is_kept_with_its_place(
    http: HttpClient, dialect: Dialect, said: Callable[..., Reply]
) -> None:
    if not dialect.signs:
        pytest.skip("nothing is signed in this format")
    reply = await asked(http, dialect, said(Thought("plan", "s1"), "So.", Thought("more", "s2"), ADD))
    assert reply.signed
    assert (reply.signed.wire, reply.signed.model_id) == (dialect.wire, "big-model")
    assert [each.at for each in reply.signed.blocks] == [0, 1]
    assert ["s1" in str(each.block) for each in reply.signed.blocks] == [True, False]


async def test_the_bill_is_what_is_reported(http: HttpClient, dialect: Dialect, said: Callable[..., Reply]) -> None:
    script = said("Hi", tokens=Tokens(input=1000, output=50, cached=400, reasoning=20))
    async with Upstream([script]) as upstream:
        price = Price(input=2, output=10, cached=1)
        usage = (await answer(http, upstream.url, wire=dialect.wire, price=price)).usage
    assert (usage.input_tokens, usage.output_tokens) == (1000, 50)
    cached, reasoning = (400, 20) if dialect.tells_details else (0, 0)
    assert (usage.cached_tokens, usage.reasoning_tokens) == (cached, reasoning)
    assert (usage.model_calls, usage.estimated, usage.cost_source) == (1, False, "config")
    assert usage.total_cost_usd == pytest.approx(((1000 - cached) * 2 + cached * 1 + 50 * 10) / 1e6)


async def test_what_is_not_reported_is_estimated(
    http: HttpClient, dialect: Dialect, said: Callable[..., Reply]
) -> None:
    usage = (await asked(http, dialect, said("Hello world!", tokens=None))).usage
    assert (usage.estimated, usage.output_tokens) == (True, 3)


async def test_a_reply_that_was_cut_short_says_so(
    http: HttpClient, dialect: Dialect, said: Callable[..., Reply]
) -> None:
    for text in (["Hel"], []):
        reply = await asked(http, dialect, said(*text, finish=dialect.too_long))
        assert reply.finish_reason == dialect.too_long


async def test_nothing_is_no_answer(http: HttpClient, dialect: Dialect, said: Callable[..., Reply]) -> None:
    for nothing in (said(), said("  \n"), said(Thought("only thoughts"))):
        error = await refused(http, dialect, nothing)
        assert error.kind == "responseInvalid"
        assert error.usage is not None


async def test_a_stream_that_breaks_off_is_an_error_with_its_bill(http: HttpClient, dialect: Dialect) -> None:
    never = asyncio.Event()
    body = dialect.stream("Hello world!", never, " More.").steps[0]
    assert isinstance(body, bytes)
    assert (await refused(http, dialect, Reply.raw(body[:-4]))).kind == "responseTruncated"
    for script in (Reply.raw(body), Reply.raw(body).cut(after=len(body))):
        error = await refused(http, dialect, script)
        assert error.kind == "responseTruncated"
        assert error.usage
        assert (error.usage.estimated, error.usage.output_tokens) == (True, 3)


async def test_a_document_that_breaks_off_is_an_error(http: HttpClient, dialect: Dialect) -> None:
    [body] = dialect.whole("Hello world").steps
    assert isinstance(body, bytes)
    assert (await refused(http, dialect, Reply.raw(body[:-9]))).kind == "responseTruncated"


@pytest.mark.parametrize("script", [Reply.raw(), Reply.events("not json"), Reply.json([]), Reply.json({"hello": 1})])
async def test_what_is_no_reply_is_an_error(http: HttpClient, dialect: Dialect, script: Reply) -> None:
    assert (await refused(http, dialect, script)).kind == "responseInvalid"


@pytest.mark.parametrize("document", [{"detail": "no"}, {"error": "no"}, {"error": {"message": "no"}}])
async def test_a_success_may_be_a_refusal(http: HttpClient, dialect: Dialect, document: object) -> None:
    assert (await refused(http, dialect, Reply.json(document))).kind == "providerError"


async def test_an_error_before_any_text_may_be_tried_elsewhere(http: HttpClient, dialect: Dialect) -> None:
    error = await refused(http, dialect, dialect.written(dialect.error))
    assert (error.kind, error.retryable) == ("providerError", True)


async def test_text_before_an_error_in_mid_stream_is_not_lost(http: HttpClient, dialect: Dialect) -> None:
    never = asyncio.Event()
    body = dialect.stream("Hel", never, "lo").steps[0]
    assert isinstance(body, bytes)
    async with Upstream([Reply.raw(body, *dialect.written(dialect.error).steps)]) as upstream:
        stream = talk(http, upstream.url, wire=dialect.wire)
        assert list(await anext(stream)) == [TextChunk("Hel")]
        with pytest.raises(AgentroutedError) as caught:
            await anext(stream)
    assert caught.value.kind == "providerError"


async def test_what_is_not_known_is_passed_over(http: HttpClient, dialect: Dialect) -> None:
    strange = dialect.written({"type": "ping"}, {"type": "response.brand_new", "choices": []}).steps
    reply = await asked(http, dialect, Reply.raw(*strange, *dialect.stream("Hi").steps, b": bye\n\n"))
    assert reply.text == "Hi"


async def test_the_end_of_the_stream_is_not_waited_for(http: HttpClient, dialect: Dialect) -> None:
    never = asyncio.Event()
    async with Upstream([Reply.raw(*dialect.stream("Hi").steps, never)]) as upstream, asyncio.timeout(30):
        assert (await answer(http, upstream.url, wire=dialect.wire)).text == "Hi"
