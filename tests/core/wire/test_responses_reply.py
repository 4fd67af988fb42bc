"""What only OpenAI's responses say, and how servers differ in it."""

from typing import Any

import pytest
from harness.wire import answer, chunks, fault

from agentrouted.core.wire.base import CallArguments, CallStart, TextChunk
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing import responses
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import Call, Thought
from agentrouted.testing.upstream import Upstream

HERE: dict[str, Any] = {"wire": "openai_responses"}

BEGUN: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "model": "m",
    "status": "in_progress",
    "output": [],
    "error": None,
}
DONE = {**BEGUN, "status": "completed"}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add", "arguments": '{"a":1}'}
EMPTY_CALL = {**CALL, "arguments": ""}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def stream(*events: dict[str, Any], end: dict[str, Any] = DONE) -> Reply:
    return Reply.typed_events(event("created", response=BEGUN), *events, event(str(end["status"]), response=end))


TEXT = event("output_text.delta", output_index=0, item_id="msg_1", delta="Hi")
ARGUMENTS = event("function_call_arguments.delta", output_index=1, item_id="fc_1", delta='{"a":1}')
ONE_REPLY_IN_MANY_WAYS = {
    "in pieces": stream(
        event("output_item.added", output_index=0, item={**MESSAGE, "content": []}),
        TEXT,
        event("output_text.done", output_index=0, text="Hi"),
        event("output_item.done", output_index=0, item=MESSAGE),
        event("output_item.added", output_index=1, item=EMPTY_CALL),
        ARGUMENTS,
        event("function_call_arguments.done", output_index=1, arguments='{"a":1}'),
        event("output_item.done", output_index=1, item=CALL),
        end={**DONE, "output": [MESSAGE, CALL]},
    ),
    "without numbers": stream(
        {**TEXT, "output_index": None},
        event("output_item.done", item=MESSAGE),
        event("output_item.added", item=EMPTY_CALL),
        {**ARGUMENTS, "output_index": None},
        event("output_item.done", item=CALL),
        end={**DONE, "output": [MESSAGE, CALL]},
    ),
    "with a new id each time": stream(
        event("output_item.added", output_index=0, item={**MESSAGE, "id": "1", "content": []}),
        {**TEXT, "item_id": "2"},
        event("output_item.done", output_index=0, item={**MESSAGE, "id": "3"}),
        event("output_item.added", output_index=1, item={**EMPTY_CALL, "id": "4"}),
        {**ARGUMENTS, "item_id": "5"},
        event("output_item.done", output_index=1, item={**CALL, "id": "6"}),
        end={**DONE, "output": [{**MESSAGE, "id": "7"}, {**CALL, "id": "8"}]},
    ),
    "with an empty id": stream(
        event("output_item.added", output_index=0, item={**MESSAGE, "id": "", "content": []}),
        {**TEXT, "item_id": ""},
        event("output_item.done", output_index=0, item={**MESSAGE, "id": ""}),
        event("output_item.added", output_index=1, item={**EMPTY_CALL, "id": ""}),
        {**ARGUMENTS, "item_id": ""},
        event("output_item.done", output_index=1, item={**CALL, "id": ""}),
    ),
    "arguments only when they are whole": stream(
        TEXT,
        event("output_item.added", output_index=1, item=EMPTY_CALL),
        event("function_call_arguments.done", output_index=1, item_id="fc_1", arguments='{"a":1}'),
    ),
    "items only when they are whole": stream(
        event("output_item.done", output_index=0, item=MESSAGE), event("output_item.done", output_index=1, item=CALL)
    ),
    "a call whole from its beginning": stream(
        TEXT,
        event("output_item.added", output_index=1, item=CALL),
        event("output_item.done", output_index=1, item=CALL),
    ),
    "all at the end": stream(end={**DONE, "output": [MESSAGE, CALL]}),
    "one document": Reply.json({**DONE, "output": [MESSAGE, CALL]}),
}


@pytest.mark.parametrize("script", ONE_REPLY_IN_MANY_WAYS.values(), ids=ONE_REPLY_IN_MANY_WAYS)
async def test_the_same_reply_however_it_is_sent(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        *parts, _ = await chunks(http, upstream.url, **HERE)
    assert parts == [TextChunk("Hi"), CallStart("c1", "add"), CallArguments("c1", '{"a":1}')]


async def test_pieces_of_reasoning_are_paragraphs(http: HttpClient) -> None:
    deltas = [
        event("reasoning_summary_text.delta", output_index=0, summary_index=place, delta=text)
        for place, text in ((0, "o"), (0, "ne"), (1, "two"))
    ]
    async with Upstream([stream(*deltas, event("output_item.done", output_index=1, item=MESSAGE))]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).reasoning == "one\n\ntwo"


async def test_reasoning_is_all_of_it_where_it_is_told(http: HttpClient) -> None:
    told = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "short"}]}
    told["content"] = [{"type": "reasoning_text", "text": "all of it"}]
    async with Upstream([Reply.json({**DONE, "output": [told, MESSAGE]})]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.reasoning, reply.signed) == ("all of it", None)


async def test_encrypted_reasoning_is_kept_as_it_is_when_it_is_whole(http: HttpClient) -> None:
    async with Upstream([responses.stream(Thought("plan", "gAAA"), Call("c1", "add", {}))]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert reply.signed
    assert [(each.at, each.block) for each in reply.signed.blocks] == [
        (
            0,
            {
                "id": "rs_0",
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "plan"}],
                "encrypted_content": "gAAA",
            },
        )
    ]


@pytest.mark.parametrize("whole", [True, False])
async def test_a_refusal_of_the_model_is_its_text(http: HttpClient, whole: bool) -> None:
    refusal = {**MESSAGE, "content": [{"type": "refusal", "refusal": "I will not."}]}
    deltas = [event("refusal.delta", output_index=0, delta=text) for text in ("I will ", "not.")]
    async with Upstream([stream(end={**DONE, "output": [refusal]}) if whole else stream(*deltas)]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.text, reply.finish_reason) == ("I will not.", "refusal")


async def test_a_filter_may_let_nothing_pass(http: HttpClient) -> None:
    async with Upstream([responses.stream(finish="content_filter")]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).finish_reason == "content_filter"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("rate_limit_exceeded", "rateLimited"),
        ("server_error", "providerError"),
        ("insufficient_quota", "quotaExceeded"),
        ("context_length_exceeded", "contextOverflow"),
    ],
)
async def test_a_response_that_failed_says_why(http: HttpClient, code: str, kind: str) -> None:
    error = {"code": code, "message": "sorry"}
    failed = {**BEGUN, "status": "failed", "error": error}
    scripts = (
        stream(end=failed),
        Reply.json(failed),
        stream({"type": "error", **error, "param": None}),
        stream({"type": "error", "error": {"type": code, "message": "sorry"}}),
    )
    for script in scripts:
        async with Upstream([script]) as upstream:
            assert (await fault(http, upstream.url, **HERE)).kind == kind


async def test_a_failure_without_a_word_is_one(http: HttpClient) -> None:
    async with Upstream([stream(end={**BEGUN, "status": "failed"})]) as upstream:
        assert (await fault(http, upstream.url, **HERE)).kind == "providerError"


@pytest.mark.parametrize("status", ["in_progress", "queued", "cancelled"])
async def test_a_response_that_is_not_at_its_end_was_cut_off(http: HttpClient, status: str) -> None:
    async with Upstream([Reply.json({**DONE, "status": status, "output": [MESSAGE]})]) as upstream:
        assert (await fault(http, upstream.url, **HERE)).kind == "responseTruncated"


async def test_fields_without_a_name_of_ours_are_kept_and_the_prompt_is_not(http: HttpClient) -> None:
    end = {**DONE, "output": [MESSAGE], "service_tier": "flex", "instructions": "Be brief.", "tools": []}
    async with Upstream([Reply.json(end)]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert reply.raw == {"id": "resp_1", "service_tier": "flex"}
    assert reply.request_id == "resp_1"
