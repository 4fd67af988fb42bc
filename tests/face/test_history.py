"""Conversations made shorter, from Python."""

import pytest

from agentrouted import (
    ErrorAgent,
    History,
    HistorySlidingWindow,
    HistorySummarize,
    HistoryTruncate,
    LLMResponse,
    Message,
    resolve_model,
)
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Reply, Upstream

SYSTEM = Message("system", "Be brief.")
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}


def turn(number: int) -> list[Message]:
    return [
        Message("user", f"question {number}"),
        Message("assistant", None, [CALL]),
        Message("tool", "3", None, "c1", "add"),
        Message("assistant", f"answer {number}"),
    ]


CONVERSATION = [SYSTEM, *turn(1), *turn(2), *turn(3)]


async def test_a_window_keeps_whole_turns_and_the_instructions() -> None:
    kept = await HistorySlidingWindow(2).compact(CONVERSATION)
    assert kept == [SYSTEM, *turn(2), *turn(3)]
    assert len(CONVERSATION) == 13


async def test_messages_that_stay_are_the_very_same() -> None:
    kept = await HistorySlidingWindow().compact(CONVERSATION)
    assert all(one is other for one, other in zip(kept, CONVERSATION, strict=True))


async def test_as_many_of_the_last_turns_stay_as_fit() -> None:
    # A turn has 2 + 3 + 1 + 2 tokens, at four characters a token, and the instructions 2.
    assert await HistoryTruncate(18).compact(CONVERSATION) == [SYSTEM, *turn(2), *turn(3)]
    assert await HistoryTruncate(17).compact(CONVERSATION) == [SYSTEM, *turn(3)]
    assert await HistoryTruncate(1).compact(CONVERSATION) == [SYSTEM, *turn(3)]
    assert await HistoryTruncate().compact(CONVERSATION, token_budget=17) == [SYSTEM, *turn(3)]


async def test_older_turns_are_summed_up_once() -> None:
    model = ScriptedModel(["They asked two questions.", "And a third one."])
    history = HistorySummarize(model=model, keep_recent=1)
    summary = Message("system", "Conversation summary so far:\nThey asked two questions.")
    assert await history.compact(CONVERSATION) == [SYSTEM, summary, *turn(3)]
    assert await history.compact(CONVERSATION) == [SYSTEM, summary, *turn(3)]
    assert len(model.requests) == 1
    asked = model.requests[0].messages
    assert [message.role for message in asked] == ["system", "user"]
    assert "USER: question 1\nASSISTANT: [tool_calls: add]\nTOOL: 3\nASSISTANT: answer 1" in str(asked[1].content)


async def test_a_prompt_of_ones_own_is_used() -> None:
    model = ScriptedModel()
    await HistorySummarize(model, keep_recent=0, summary_prompt="In one word.").compact(CONVERSATION)
    assert model.requests[0].messages[0] == Message("system", "In one word.")


async def test_a_model_at_a_server_sums_up_too() -> None:
    async with Upstream([Reply.text("Short.")]) as upstream:
        history = HistorySummarize(resolve_model(f"{upstream.url}/m"), keep_recent=1)
        assert Message("system", "Conversation summary so far:\nShort.") in await history.compact(CONVERSATION)


async def test_a_conversation_that_is_short_is_not_summed_up() -> None:
    assert await HistorySummarize(ScriptedModel([LLMResponse(None)])).compact(CONVERSATION) == CONVERSATION


async def test_a_summary_needs_a_model() -> None:
    with pytest.raises(RuntimeError, match="requires a model"):
        await HistorySummarize().compact(CONVERSATION)


async def test_a_failure_of_the_model_is_raised() -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        with pytest.raises(ErrorAgent):
            await HistorySummarize(resolve_model(f"{upstream.url}/m"), keep_recent=0).compact(CONVERSATION)


def test_sizes_that_cannot_be_meant_are_refused() -> None:
    for make in (lambda: HistorySlidingWindow(0), lambda: HistoryTruncate(0), lambda: HistorySummarize(keep_recent=-1)):
        with pytest.raises(ValueError, match="must be >="):
            make()


def test_all_of_them_are_histories() -> None:
    assert all(isinstance(each, History) for each in (HistorySlidingWindow(), HistoryTruncate(), HistorySummarize()))
