"""What a reply says beside its text, calls and bill is kept, in every format."""

from typing import Any

import pytest
from harness.wire import answer, endpoint, prompt

from agentrouted.core.wire.beside import Beside, tells_more
from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.replies import USAGE, Reply, chunk
from agentrouted.testing.upstream import Upstream
from agentrouted_protocol.messages import Message, ToolCall

CITATION = {"url": "https://x", "title": "X"}


async def raw(http: HttpClient, script: Reply, wire: str) -> Any:
    async with Upstream([script]) as upstream:
        return (await answer(http, upstream.url, wire=wire)).raw


async def test_a_chat_completion_in_pieces(http: HttpClient) -> None:
    def logprob(token: str) -> dict[str, Any]:
        return {"content": [{"token": token, "logprob": -0.1}]}

    first, second = chunk({"content": "He"}), chunk({"content": "y", "annotations": [CITATION]})
    first["choices"][0]["logprobs"], second["choices"][0]["logprobs"] = logprob("He"), logprob("y")
    last = chunk({"images": [{"type": "image_url"}], "content": None}, "stop")
    last["choices"][0] |= {"native_finish_reason": "STOP", "logprobs": None}
    usage = {**USAGE, "cost_details": {"upstream_inference_cost": 0.1}}
    script = Reply.events(
        {**first, "provider": "Groq", "citations": ["https://x"]},
        second,
        last,
        {"choices": [], "usage": usage},
        "[DONE]",
    )
    kept = await raw(http, script, "chat_completions")
    assert kept["provider"] == "Groq"
    assert kept["citations"] == ["https://x"]
    assert [each["token"] for each in kept["logprobs"]["content"]] == ["He", "y"]
    assert kept["annotations"] == [CITATION]
    assert kept["images"] == [{"type": "image_url"}]
    assert kept["native_finish_reason"] == "STOP"
    assert kept["usage"] == usage


async def test_a_chat_completion_as_one_document(http: HttpClient) -> None:
    message = {"role": "assistant", "content": "Hey", "annotations": [CITATION], "audio": None, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    kept = await raw(http, Reply.json({"choices": [choice], "usage": USAGE, "provider": "Groq"}), "chat_completions")
    assert kept == {"provider": "Groq", "annotations": [CITATION]}


async def test_a_message_of_anthropics(http: HttpClient) -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    script = Reply.typed_events(
        {"type": "message_start", "message": {"usage": {"input_tokens": 5}, "container": {"id": "c"}}},
        {"type": "content_block_start", "index": 0, "content_block": search},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"q":'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "1}"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hey"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": CITATION}},
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2, "server_tool_use": {"web_search_requests": 1}},
        },
        {"type": "message_stop"},
    )
    kept = await raw(http, script, "anthropic_messages")
    assert kept["content"] == [{**search, "input": '{"q":1}'}]
    assert kept["citations"] == [CITATION]
    assert kept["container"] == {"id": "c"}
    assert kept["usage"]["server_tool_use"] == {"web_search_requests": 1}


@pytest.mark.parametrize("is_stream", [True, False])
async def test_a_response_of_openais(http: HttpClient, is_stream: bool) -> None:
    search = {"type": "web_search_call", "id": "w1", "status": "completed"}
    part = {"type": "output_text", "text": "Hey", "annotations": [CITATION], "logprobs": []}
    said = {"type": "message", "id": "m1", "role": "assistant", "content": [part]}
    response = {"status": "completed", "output": [search, said], "service_tier": "flex"}
    if is_stream:
        script = Reply.typed_events(
            {"type": "response.output_item.done", "output_index": 0, "item": search},
            {"type": "response.output_text.delta", "output_index": 1, "item_id": "m1", "delta": "Hey"},
            {"type": "response.output_item.done", "output_index": 1, "item": said},
            {"type": "response.completed", "response": response},
        )
    else:
        script = Reply.json(response)
    kept = await raw(http, script, "openai_responses")
    assert kept == {"service_tier": "flex", "output": [search], "annotations": [CITATION]}


async def test_lines_of_ollama(http: HttpClient) -> None:
    last = {"done": True, "done_reason": "stop", "total_duration": 9, "remote_host": "https://ollama.com"}
    kept = await raw(http, Reply.json([{"message": {"content": "Hey"}, "logprobs": [1]}, last]), "ollama_chat")
    assert kept == {"logprobs": [1], "total_duration": 9, "remote_host": "https://ollama.com"}


async def test_candidates_of_gemini(http: HttpClient) -> None:
    candidate = {"content": {"parts": [{"text": "Hey"}, {"executableCode": {"code": "1"}}]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 2, "trafficType": "ON_DEMAND"}
    grounded = {**candidate, "groundingMetadata": {"webSearchQueries": ["x"]}}
    kept = await raw(http, Reply.json({"candidates": [grounded], "usageMetadata": usage}), "gemini_generate_content")
    assert kept["groundingMetadata"] == {"webSearchQueries": ["x"]}
    assert kept["parts"] == [{"executableCode": {"code": "1"}}]
    assert kept["usage"] == usage


async def test_reasoning_that_openrouter_passes_on_goes_back_whole(http: HttpClient) -> None:
    def thought(**fields: Any) -> dict[str, Any]:
        detail = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", **fields}
        return chunk({"reasoning": fields.get("text", ""), "reasoning_details": [detail]})

    sealed = {"type": "reasoning.encrypted", "data": "zzz", "index": 1}
    script = Reply.events(
        thought(text="pl"),
        thought(text="an"),
        thought(signature="sig"),
        chunk({"reasoning_details": [sealed]}),
        chunk({"content": "So."}, "stop"),
        "[DONE]",
    )
    async with Upstream([script]) as upstream:
        reply = await answer(http, upstream.url)
        asked = endpoint(upstream.url)
    said = Message(role="assistant", content="So.", signed=reply.signed, tool_calls=[ToolCall(id="c1", name="add")])
    whole = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "plan", "signature": "sig"}
    assert reply.reasoning == "plan"
    assert b'"reasoning_details":[' in chat_body(asked, prompt(messages=[said]))
    assert reply.signed
    assert [each.block for each in reply.signed.blocks] == [whole, sealed]
    other = endpoint(asked.base_url, model_id="another")
    assert b"reasoning_details" not in chat_body(other, prompt(messages=[said]))


def test_lists_grow_and_objects_are_joined() -> None:
    beside = Beside()
    beside.add({"a": [1], "b": {"x": [1]}, "c": 1, "known": 1, "d": None, "e": []}, {"known"})
    beside.add({"a": [2], "b": {"x": [2], "y": 1}, "c": 2}, ())
    beside.add_to("a", 3)
    assert beside.fields == {"a": [1, 2, 3], "b": {"x": [1, 2], "y": 1}, "c": 2}


def test_a_bill_tells_more_where_a_number_has_no_place() -> None:
    assert not tells_more({"a": 1, "details": {"b": 2, "audio": 0}}, {"a", "b"})
    assert tells_more({"a": 1, "details": {"audio": 1}}, {"a"})
