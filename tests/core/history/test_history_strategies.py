"""What holds for every way of shortening, and for two of them."""

from collections.abc import Sequence
from random import Random

import pytest
from harness.transcripts import faults, says, system, user, valid_transcript

from agentrouted.core.history.base import Strategy
from agentrouted.core.history.sliding_window import SlidingWindow
from agentrouted.core.history.strategies import STRATEGIES, strategy_of
from agentrouted.core.history.summaries import Summaries
from agentrouted.core.history.summarize import Summarize
from agentrouted.core.history.truncate import Truncate
from agentrouted_protocol import runs
from agentrouted_protocol.messages import Message


async def ask(model: str, messages: Sequence[Message]) -> str:
    return "In short."


HISTORIES: list[runs.History] = [
    runs.SlidingWindow(strategy="slidingWindow", window_size=2),
    runs.Truncate(strategy="truncate", max_tokens=600),
    runs.Summarize(strategy="summarize", model="m", keep_recent=2),
]
FAMILY = [strategy_of(history, Summaries()) for history in HISTORIES]
each_strategy = pytest.mark.parametrize("strategy", FAMILY, ids=[strategy.name for strategy in FAMILY])


def test_the_family_is_the_table_and_options_arrive() -> None:
    assert [strategy.name for strategy in FAMILY] == list(STRATEGIES)
    assert FAMILY[:2] == [SlidingWindow(2), Truncate(600)]
    assert isinstance(FAMILY[2], Summarize) and (FAMILY[2].model, FAMILY[2].keep_recent) == ("m", 2)


@each_strategy
async def test_calls_and_results_are_never_parted(strategy: Strategy) -> None:
    for seed in range(200):
        messages = valid_transcript(Random(seed))
        assert faults(await strategy.compact(messages, ask)) == []


@each_strategy
async def test_what_is_given_is_not_changed_and_the_opening_and_the_end_stay(strategy: Strategy) -> None:
    messages = [system("s"), *(message for _ in range(9) for message in (user("u" * 900), says("a")))]
    before = list(messages)
    compacted = await strategy.compact(messages, ask)
    assert messages == before and len(compacted) < len(messages)
    assert (compacted[0], *compacted[-2:]) == (messages[0], *messages[-2:])


@each_strategy
@pytest.mark.parametrize("messages", [[], [system("s")], [user("u")], [system("s"), user("u"), says("a"), user("u")]])
async def test_a_short_conversation_stays_as_it_is(strategy: Strategy, messages: list[Message]) -> None:
    assert list(await strategy.compact(messages, ask)) == messages


async def test_a_window_counts_turns_of_the_user() -> None:
    messages = [message for number in range(25) for message in (user(str(number)), says("a"))]
    assert list(await SlidingWindow().compact(messages, ask)) == messages[10:]


async def test_truncation_counts_the_opening_too() -> None:
    turns = [user("x" * 40), user("y" * 40)]
    assert list(await Truncate(20).compact(turns, ask)) == turns
    assert list(await Truncate(20).compact([system("four"), *turns], ask)) == [system("four"), turns[1]]
