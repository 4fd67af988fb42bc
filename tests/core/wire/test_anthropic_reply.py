"""What only Anthropic's messages say."""

from typing import Any

import pytest
from harness.wire import answer, chunks, fault

from agentrouted.core.wire.base import CallArguments, CallStart
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing import anthropic
from agentrouted.testing.replies import Reply
from agentrouted.testing.said import Call, Thought
from agentrouted.testing.upstream import Upstream

HERE: dict[str, Any] = {"wire": "anthropic_messages"}


def message(*events: dict[str, Any], usage: dict[str, Any] | None = None, **end: Any) -> Reply:
    """A stream with these events between its beginning and its end."""
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage or {}}
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn", **end}, "usage": {"output_tokens": 5}}
    started = {"type": "message_start", "message": begun}
    return Reply.typed_events(started, *events, ended, {"type": "message_stop"})


def block(content: dict[str, Any], *deltas: dict[str, Any], index: int = 0) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


TEXT = block({"type": "text", "text": "Hi"}, index=1)


async def test_thinking_that_is_shown_to_nobody_goes_back_too(http: HttpClient) -> None:
    hidden = {"type": "redacted_thinking", "data": "EqQB"}
    silent = {"type": "thinking", "thinking": "", "signature": ""}
    signature = {"type": "signature_delta", "signature": "s1"}
    script = message(*block(hidden), *block(silent, signature, index=2), *TEXT)
    async with Upstream([script]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.reasoning, reply.text) == ("", "Hi")
    assert reply.signed
    assert [each.block for each in reply.signed.blocks] == [hidden, {**silent, "signature": "s1"}]


async def test_pieces_of_reasoning_are_paragraphs(http: HttpClient) -> None:
    async with Upstream([anthropic.stream(Thought("one"), Thought("two"), "Hi")]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).reasoning == "one\n\ntwo"


async def test_all_of_the_prompt_is_on_the_bill(http: HttpClient) -> None:
    used = {"input_tokens": 10, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 30, "output_tokens": 1}
    async with Upstream([message(*TEXT, usage=used)]) as upstream:
        usage = (await answer(http, upstream.url, **HERE)).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.estimated) == (240, 200, 5, False)


@pytest.mark.parametrize("first", [True, False])
async def test_zeros_take_nothing_back(http: HttpClient, first: bool) -> None:
    """Some tell the length of the prompt at the beginning only, some at the end only."""
    told, zero = {"input_tokens": 10}, {"input_tokens": 0}
    begun = {"type": "message_start", "message": {"usage": told if first else zero}}
    usage = {**(zero if first else told), "output_tokens": 5}
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    async with Upstream([Reply.typed_events(begun, *TEXT, ended, {"type": "message_stop"})]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).usage.input_tokens == 10


async def test_a_refusal_may_say_nothing_but_why(http: HttpClient) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    async with Upstream([message(stop_reason="refusal", stop_details=details)]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.text, reply.finish_reason, reply.raw["stop_details"]) == ("", "refusal", details)


async def test_fields_without_a_name_of_ours_are_kept(http: HttpClient) -> None:
    async with Upstream([message(*TEXT, stop_sequence="END", container={"id": "c"})]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert reply.raw == {"id": "msg_1", "stop_sequence": "END", "container": {"id": "c"}}


@pytest.mark.parametrize("reason", ["pause_turn", "model_context_window_exceeded", "stop_sequence"])
async def test_the_reason_of_the_end_is_the_providers_word(http: HttpClient, reason: str) -> None:
    async with Upstream([message(*TEXT, stop_reason=reason)]) as upstream:
        assert (await answer(http, upstream.url, **HERE)).finish_reason == reason


async def test_blocks_of_other_kinds_are_passed_over(http: HttpClient) -> None:
    searched = block({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})
    cited = {"type": "citations_delta", "citation": {"cited_text": "x"}}
    script = message(*searched, *block({"type": "text", "text": ""}, cited), *TEXT)
    async with Upstream([script]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert (reply.text, reply.calls) == ("Hi", ())


async def test_a_call_may_come_whole(http: HttpClient) -> None:
    script = message(*block({"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}), stop_reason="tool_use")
    async with Upstream([script]) as upstream:
        *parts, _ = await chunks(http, upstream.url, **HERE)
    assert parts == [CallStart("c1", "add"), CallArguments("c1", '{"a":1}')]


async def test_calls_side_by_side_are_not_mixed_up(http: HttpClient) -> None:
    opened = [
        {"type": "content_block_start", "index": n, "content_block": {"type": "tool_use", "id": f"c{n}", "name": "f"}}
        for n in (1, 2)
    ]
    halves = [
        {"type": "content_block_delta", "index": n, "delta": {"type": "input_json_delta", "partial_json": text}}
        for text in ('{"n":', "%d}")
        for n in (1, 2)
    ]
    for event in halves[2:]:
        event["delta"]["partial_json"] %= event["index"]  # type: ignore[index]  # a dict of dicts
    async with Upstream([message(*opened, *halves)]) as upstream:
        calls = (await answer(http, upstream.url, **HERE)).calls
    assert [call.arguments for call in calls] == [{"n": 1}, {"n": 2}]


async def test_arguments_that_were_cut_off_are_not_made_up(http: HttpClient) -> None:
    cut = {"type": "input_json_delta", "partial_json": '{"a": [1,'}
    tool = block({"type": "tool_use", "id": "c1", "name": "add", "input": {}}, cut)
    async with Upstream([message(*tool, stop_reason="max_tokens")]) as upstream:
        [call] = (await answer(http, upstream.url, **HERE)).calls
    assert (call.arguments, call.text) == (None, '{"a": [1,')


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (529, "overloaded_error", "providerError", True),
        (500, "api_error", "providerError", True),
        (429, "rate_limit_error", "rateLimited", True),
        (401, "authentication_error", "providerAuth", False),
        (403, "permission_error", "providerAuth", False),
        (402, "billing_error", "quotaExceeded", False),
        (400, "invalid_request_error", "providerError", False),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
async def test_a_refusal_is_the_same_in_the_status_and_in_the_stream(
    http: HttpClient, status: int, error: str, kind: str, retryable: bool, inside: bool
) -> None:
    document = {"type": "error", "error": {"type": error, "message": "sorry"}, "request_id": "req_1"}
    script = Reply.typed_events(document) if inside else Reply.status(status, document)
    async with Upstream([script]) as upstream:
        found = await fault(http, upstream.url, **HERE)
    assert (found.kind, found.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("prompt is too long: 208310 tokens > 200000 maximum", "contextOverflow"),
        ("input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000", "contextOverflow"),
        ("model: claude-9", "modelMissing"),
        ("Your credit balance is too low to access the Anthropic API.", "quotaExceeded"),
        ("max_tokens: 9000 > 4096, which is the maximum allowed number of output tokens", "providerError"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told_apart(http: HttpClient, text: str, kind: str) -> None:
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": text}}
    async with Upstream([Reply.status(400, refusal)]) as upstream:
        assert (await fault(http, upstream.url, **HERE)).kind == kind


async def test_a_signature_survives_a_call(http: HttpClient) -> None:
    async with Upstream([anthropic.stream(Thought("plan", "s1"), Call("c1", "add", {}))]) as upstream:
        reply = await answer(http, upstream.url, **HERE)
    assert reply.signed
    assert reply.signed.model_dump()["blocks"] == [
        {"at": 0, "block": {"type": "thinking", "thinking": "plan", "signature": "s1"}}
    ]
