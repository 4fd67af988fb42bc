"""Summaries: what is asked, what is paid once, what is never lost."""

from collections.abc import Sequence

import pytest
from harness.transcripts import result, says, system, user

from agentrouted.core.errors import RateLimited
from agentrouted.core.history.summaries import MOST_SUMMARIES, Summaries
from agentrouted.core.history.summarize import HEADING, UNAVAILABLE, Summarize
from agentrouted_protocol.messages import Message


class Writer:
    """Answers with the texts it was given; then with numbers."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, model: str, messages: Sequence[Message]) -> str:
        self.asked.append((model, str(messages[-1].content)))
        return self.texts.pop(0) if self.texts else f"summary {len(self.asked)}"


def conversation(turns: int, text: str = "hello") -> list[Message]:
    return [system("s"), *(each for turn in range(turns) for each in (user(f"{text} {turn}"), says(f"reply {turn}")))]


async def test_older_turns_are_a_system_message_after_the_opening() -> None:
    messages = conversation(6)
    compacted = await Summarize("m", keep_recent=4).compact(messages, Writer("They met."))
    assert list(compacted) == [system("s"), system("Conversation summary so far:\nThey met."), *messages[5:]]


async def test_the_model_reads_who_said_what_and_which_tools_were_called() -> None:
    writer = Writer()
    messages = [
        user("Where?"),
        says("Hm.", "c1", "c2"),
        result("c1"),
        result("c2", "there"),
        says("There."),
        user("Oh"),
    ]
    await Summarize("small", keep_recent=1).compact(messages, writer)
    transcript = "USER: Where?\nASSISTANT: Hm. [tool_calls: look, look]\nTOOL: seen\nTOOL: there\nASSISTANT: There."
    assert writer.asked == [("small", transcript)]


async def test_the_prompt_can_be_another() -> None:
    seen: list[Message] = []

    async def ask(model: str, messages: Sequence[Message]) -> str:
        seen.extend(messages)
        return "ok"

    await Summarize("m", keep_recent=1, prompt="In verse.").compact(conversation(2), ask)
    assert seen[0] == system("In verse.")


async def test_the_same_turns_are_paid_once_also_by_another_run() -> None:
    writer, summaries = Writer(), Summaries()
    first = await Summarize("m", 2, summaries=summaries).compact(conversation(5), writer)
    again = await Summarize("m", 2, summaries=summaries).compact(conversation(5), writer)
    assert list(first) == list(again) and len(writer.asked) == 1


async def test_a_summary_is_added_to_as_turns_grow_old() -> None:
    writer, strategy = Writer(), Summarize("m", 2)
    await strategy.compact(conversation(5), writer)
    compacted = await strategy.compact(conversation(6), writer)
    assert writer.asked[1][1] == f"SYSTEM: {HEADING}summary 1\nUSER: hello 3\nASSISTANT: reply 3"
    assert compacted[1] == system(f"{HEADING}summary 2")


@pytest.mark.parametrize(
    ("model", "prompt", "text"), [("other", "Short.", "hello"), ("m", "Other.", "hello"), ("m", "Short.", "goodbye")]
)
async def test_a_summary_of_something_else_is_not_taken(model: str, prompt: str, text: str) -> None:
    writer, summaries = Writer(), Summaries()
    await Summarize("m", 2, "Short.", summaries).compact(conversation(5), writer)
    await Summarize(model, 2, prompt, summaries).compact(conversation(5, text), writer)
    assert len(writer.asked) == 2


async def test_what_is_long_is_read_in_pieces_and_nothing_of_it_is_skipped() -> None:
    writer = Writer()
    messages = conversation(100, "x" * 1000)
    compacted = await Summarize("m", 2).compact(messages, writer)
    read = "\n".join(text for _, text in writer.asked).splitlines()
    assert max(len(text) for _, text in writer.asked) < 26_000
    assert [line for line in read if line.startswith("ASSISTANT")] == [f"ASSISTANT: reply {n}" for n in range(98)]
    assert compacted[1] == system(f"{HEADING}summary {len(writer.asked)}")


async def test_one_giant_message_is_read_by_head_and_tail() -> None:
    writer = Writer()
    await Summarize("m", 1).compact([user(f"begin{'x' * 10_000_000}end"), user("?")], writer)
    text = writer.asked[0][1]
    assert len(text) < 5000 and text.startswith("USER: begin") and text.endswith("end")


async def test_a_failed_summary_is_an_error() -> None:
    async def ask(model: str, messages: Sequence[Message]) -> str:
        raise RateLimited("too much")

    with pytest.raises(RateLimited):
        await Summarize("m", 1).compact(conversation(3), ask)


async def test_an_empty_summary_is_said_and_asked_for_again() -> None:
    strategy, writer = Summarize("m", 1), Writer(" \n", "They met.")
    assert (await strategy.compact(conversation(3), writer))[1] == system(HEADING + UNAVAILABLE)
    assert (await strategy.compact(conversation(3), writer))[1] == system(f"{HEADING}They met.")


async def test_an_empty_addition_keeps_the_summary_so_far() -> None:
    strategy, writer = Summarize("m", 1), Writer("They met.", "")
    await strategy.compact(conversation(3), writer)
    assert (await strategy.compact(conversation(4), writer))[1] == system(f"{HEADING}They met.\n{UNAVAILABLE}")


async def test_nothing_kept_is_a_summary_alone_but_a_question_waits_for_its_reply() -> None:
    strategy, writer = Summarize("m", 0), Writer()
    assert list(await strategy.compact(conversation(3), writer)) == [system("s"), system(f"{HEADING}summary 1")]
    asked = [*conversation(3), user("And?")]
    assert list(await strategy.compact(asked, writer)) == [system("s"), system(f"{HEADING}summary 1"), user("And?")]


def test_summaries_used_long_ago_go_first() -> None:
    summaries = Summaries()
    digests = [bytes([number // 256, number % 256]) for number in range(MOST_SUMMARIES + 1)]
    for digest in digests[:-1]:
        summaries.keep(digest, "text")
    assert summaries.longest(digests[:1]) == (1, "text")
    summaries.keep(digests[-1], "newest")
    assert [summaries.longest([digest])[0] for digest in (digests[0], digests[1], digests[-1])] == [1, 0, 1]
