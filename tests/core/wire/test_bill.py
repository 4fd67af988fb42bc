"""What a call cost."""

from collections.abc import Mapping
from typing import Any

import pytest
from harness.wire import answer, endpoint, fault, prompt

from agentrouted.core.endpoint import Price
from agentrouted.core.wire.base import ToolSpec
from agentrouted.core.wire.bill import bill, tokens_in
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.replies import chunk
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.messages import ImagePart, Message, TextPart, ToolCall, Usage

COUNTED = {"prompt_tokens": 1000, "completion_tokens": 500}


def billed(reported: Mapping[str, Any], written: int = 0, **changes: Any) -> Usage:
    return bill(endpoint("http://models.example/v1", **changes), prompt("x" * 40), reported, written)


def test_reported_tokens_are_taken_as_they_are() -> None:
    details = {
        "prompt_tokens_details": {"cached_tokens": 600},
        "completion_tokens_details": {"reasoning_tokens": 200},
    }
    usage = billed({**COUNTED, **details})
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == (
        1000,
        500,
        600,
        200,
    )
    assert not usage.estimated


def test_deepseek_calls_its_cache_otherwise() -> None:
    assert billed({**COUNTED, "prompt_cache_hit_tokens": 64}).cached_tokens == 64


@pytest.mark.parametrize("script", [Reply.text("x" * 41, usage=None), Reply.text("x" * 41, usage={})])
async def test_without_usage_tokens_are_estimated_and_marked(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        usage = (await answer(http, upstream.url)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (1, 11, True)


@pytest.mark.parametrize("nonsense", [None, "12", -5, True, float("nan"), float("inf"), 10**400, [], {}])
def test_nonsense_is_not_counted(nonsense: Any) -> None:
    reported = {
        "prompt_tokens": nonsense,
        "completion_tokens": nonsense,
        "prompt_tokens_details": nonsense,
        "cost": nonsense,
    }
    usage = billed(reported, written=8)
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (10, 2, True)
    assert (usage.total_cost_usd, usage.cost_source) == (None, "unknown")


@pytest.mark.parametrize("text", ["NaN", "-0.5", "true", '"0.5"', "Infinity"])
async def test_a_cost_that_is_none_is_ignored(http: HttpClient, text: str) -> None:
    event = '{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"cost":'
    async with Upstream([Reply.events(event + text + "}}")]) as upstream:
        assert (await answer(http, upstream.url)).usage.cost_source == "unknown"


PRICE = Price(input=2.0, output=10.0, cached=0.5)


def test_the_reported_cost_counts_before_the_price() -> None:
    usage = billed({**COUNTED, "cost": 0.25}, price=PRICE)
    assert (usage.total_cost_usd, usage.cost_source) == (0.25, "reported")


def test_a_call_that_was_free_is_not_of_unknown_cost() -> None:
    usage = billed({**COUNTED, "cost": 0})
    assert (usage.total_cost_usd, usage.cost_source) == (0.0, "reported")


def test_the_price_counts_cached_tokens_apart() -> None:
    usage = billed({**COUNTED, "prompt_tokens_details": {"cached_tokens": 600}}, price=PRICE)
    assert usage.total_cost_usd == pytest.approx((400 * 2.0 + 600 * 0.5 + 500 * 10.0) / 1e6)
    assert usage.cost_source == "config"


def test_without_a_price_for_cached_tokens_they_cost_what_others_do() -> None:
    usage = billed({**COUNTED, "prompt_tokens_details": {"cached_tokens": 9999}}, price=Price(2.0, 10.0))
    assert usage.total_cost_usd == pytest.approx((1000 * 2.0 + 500 * 10.0) / 1e6)


@pytest.mark.parametrize(
    ("price", "local", "cost", "source"),
    [
        (PRICE, True, 0.007, "config"),
        (Price(0, 0), True, 0.0, "local"),
        (Price(0, 0), False, 0.0, "config"),
        (Price(0, 0, source="local"), False, 0.0, "local"),
    ],
)
def test_a_price_that_is_configured_counts_on_this_machine_too(
    price: Price, local: bool, cost: float, source: str
) -> None:
    usage = billed(COUNTED, price=price, local=local)
    assert (usage.total_cost_usd, usage.cost_source) == (cost, source)


def test_local_models_cost_nothing_and_others_an_unknown_amount() -> None:
    local, far = billed(COUNTED, local=True), billed(COUNTED)
    assert (local.total_cost_usd, local.cost_source) == (0.0, "local")
    assert (far.total_cost_usd, far.cost_source) == (None, "unknown")


SPOKEN = [
    chunk({"reasoning_content": "x" * 8}),
    chunk({"content": "x" * 8}),
    chunk({"tool_calls": [{"function": {"name": "add", "arguments": "x" * 5}}]}),
]
BILLED = {**chunk({}), "usage": COUNTED}
CUT_OFF = [(Reply.events(*SPOKEN), (1, 6, True)), (Reply.events(*SPOKEN, BILLED), (1000, 500, False))]


@pytest.mark.parametrize(("script", "counts"), CUT_OFF, ids=["estimated", "reported"])
async def test_a_reply_that_breaks_off_has_its_bill_so_far(
    http: HttpClient, script: Reply, counts: tuple[int, int, bool]
) -> None:
    async with Upstream([script]) as upstream:
        error = await fault(http, upstream.url)
    assert error.kind == "responseTruncated"
    assert error.usage
    assert (error.usage.input_tokens, error.usage.output_tokens, error.usage.estimated) == counts


async def test_an_error_with_a_bill_in_it_is_billed(http: HttpClient) -> None:
    async with Upstream([Reply.events({"error": {"code": 502}, "usage": COUNTED})]) as upstream:
        error = await fault(http, upstream.url)
    assert error.usage
    assert error.usage.output_tokens == 500


@pytest.mark.parametrize("script", [Reply.raw(), Reply.json({"error": {"code": 502}}), Reply.status(500)])
async def test_where_nothing_came_there_is_no_bill(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream:
        assert (await fault(http, upstream.url)).usage is None


def test_the_estimate_counts_text_calls_and_tools() -> None:
    messages = [
        Message(role="user", content=[TextPart(text="x" * 8), ImagePart(data="y" * 1000)]),
        Message(role="assistant", content="x" * 4, tool_calls=[ToolCall(id="c", name="add", arguments={})]),
    ]
    assert tokens_in(prompt(messages=messages)) == 5
    assert tokens_in(prompt(messages=messages, tools=[ToolSpec("add", "x" * 7, {})])) == 8
