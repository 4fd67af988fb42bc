"""Whatever is loaded or was interrupted, what is sent is valid."""

from random import Random

import pytest
from harness.transcripts import faults, random_transcript, result, says, system, user, valid_transcript

from agentrouted.core.history.repair import UNANSWERED, repair
from agentrouted_protocol.messages import ImagePart, Message, TextPart, ToolCall

U = user("u")
PICTURE = says([ImagePart(url="https://pictures.example/1")])


def lost(id_: str) -> Message:
    return result(id_, UNANSWERED)


REPAIRS: dict[str, tuple[list[Message], list[Message]]] = {
    "a call without a result gets an error": ([U, says("", "a")], [U, says("", "a"), lost("a")]),
    "one of two calls was answered": (
        [says("", "a", "b"), result("b"), U],
        [says("", "a", "b"), lost("a"), result("b"), U],
    ),
    "results stand behind their reply": ([says("", "a"), U, result("a")], [says("", "a"), result("a"), U]),
    "results stand in the order of the calls": (
        [says("", "a", "b"), result("b", "2"), result("a", "1")],
        [says("", "a", "b"), result("a", "1"), result("b", "2")],
    ),
    "a result without a call goes": ([U, result("a"), result(None)], [U]),
    "a result before its call goes": ([result("a"), says("", "a")], [says("", "a"), lost("a")]),
    "the first of two results wins": (
        [says("", "a"), result("a", "1"), result("a", "2")],
        [says("", "a"), result("a", "1")],
    ),
    "replies that say nothing go": ([U, says(""), says(" \n"), says([TextPart(text="")]), says([])], [U]),
    "a picture says something": ([U, PICTURE], [U, PICTURE]),
    "system messages in the middle stay": ([U, system("1"), system("1")], [U, system("1"), system("1")]),
    "fields of other roles go": (
        [U.model_copy(update={"tool_calls": [ToolCall(id="a", name="look")], "tool_call_id": "a"})],
        [U],
    ),
}


@pytest.mark.parametrize(("broken", "repaired"), REPAIRS.values(), ids=REPAIRS)
def test_it_is_repaired(broken: list[Message], repaired: list[Message]) -> None:
    assert repair(broken) == repaired
    assert faults(repaired) == []


def pairs(messages: list[Message]) -> list[tuple[str | None, object]]:
    return [(message.tool_call_id, message.content) for message in messages if message.role == "tool"]


UNIQUE: dict[str, tuple[list[Message], list[tuple[str, str]]]] = {
    "in two replies": (
        [says("", "a"), result("a", "1"), says("", "a"), result("a", "2")],
        [("a", "1"), ("a_1", "2")],
    ),
    "in one reply": ([says("", "a", "a"), result("a", "1"), result("a", "2")], [("a", "1"), ("a_1", "2")]),
    "where the number is taken": (
        [says("", "a", "a", "a_1"), result("a", "1"), result("a", "2"), result("a_1", "3")],
        [("a", "1"), ("a_1", "2"), ("a_1_1", "3")],
    ),
    "where the first was interrupted": (
        [says("", "a"), U, says("", "a"), result("a", "2")],
        [("a", UNANSWERED), ("a_1", "2")],
    ),
    "where there is none": (
        [says("", "", ""), result(None, "1"), result("", "2")],
        [("call", "1"), ("call_1", "2")],
    ),
}


@pytest.mark.parametrize(("broken", "expected"), UNIQUE.values(), ids=UNIQUE)
def test_ids_are_made_unique_and_results_go_with_them(broken: list[Message], expected: list[tuple[str, str]]) -> None:
    repaired = repair(broken)
    assert pairs(repaired) == expected and faults(repaired) == []


def test_what_is_valid_is_not_changed() -> None:
    for seed in range(300):
        messages = valid_transcript(Random(seed))
        assert faults(messages) == [] and repair(messages) == messages


def test_anything_becomes_valid_the_same_way_each_time_and_stays_so() -> None:
    for seed in range(3000):
        messages = random_transcript(Random(seed))
        repaired = repair(messages)
        assert faults(repaired) == [], seed
        assert repair(repaired) == repaired == repair(messages), seed


def test_what_comes_later_does_not_rename_what_was_there() -> None:
    for seed in range(300):
        messages = random_transcript(Random(seed))
        ids = [message.tool_call_id for message in repair(messages) if message.role == "tool"]
        for end in range(len(messages)):
            before = [message.tool_call_id for message in repair(messages[:end]) if message.role == "tool"]
            assert ids[: len(before)] == before


def test_what_was_said_is_never_lost() -> None:
    for seed in range(1000):
        messages = random_transcript(Random(seed))
        said = [(m.role, m.content) for m in messages if m.role in ("user", "system")]
        assert [(m.role, m.content) for m in repair(messages) if m.role in ("user", "system")] == said


def test_a_transcript_cut_off_anywhere_is_repaired_to_its_own_beginning() -> None:
    messages = valid_transcript(Random(7))
    for end in range(len(messages)):
        repaired = repair(messages[:end])
        assert repaired[:end] == messages[:end]
        assert all(message.content == UNANSWERED for message in repaired[end:])


def test_a_hundred_thousand_messages_with_one_id_are_repaired() -> None:
    messages = [message for _ in range(50_000) for message in (says("", "call_0"), result("call_0"))]
    repaired = repair(messages)
    assert len(repaired) == len(messages) and len({message.tool_call_id for message in repaired}) == 50_001
