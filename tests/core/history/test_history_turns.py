"""Turns of the user, and how long they are."""

import pytest
from harness.transcripts import result, says, system, user

from agentrouted.core.history.turns import join, newest_turns, split
from agentrouted.core.tokens import tokens_of
from agentrouted_protocol.messages import ImagePart, Message, TextPart

S, U, A = system("s"), user("u"), says("a")

SPLITS = {
    "nothing": ([], 0, []),
    "system messages only": ([S, S], 2, []),
    "each user message begins a turn": ([S, U, A, U, A], 1, [2, 2]),
    "calls stay with their turn": ([U, says("", "c"), result("c"), A, U], 0, [4, 1]),
    "a system message in the middle is part of its turn": ([S, U, S, A, U], 1, [3, 1]),
    "a system message before one of the user is part of what that begins": ([S, U, A, S, S, U, A], 1, [2, 4]),
    "what stands before the first user message is a turn": ([S, A, U, A], 1, [1, 2]),
}


@pytest.mark.parametrize(("messages", "leading", "lengths"), SPLITS.values(), ids=SPLITS)
def test_a_conversation_falls_into_turns(messages: list[Message], leading: int, lengths: list[int]) -> None:
    opening, turns = split(messages)
    assert (len(opening), [len(turn) for turn in turns]) == (leading, lengths)
    assert join(opening, turns) == messages


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        (user(""), 0),
        (user("abc"), 1),
        (user("x" * 11), 2),
        (user([TextPart(text="x" * 8), ImagePart(data="x" * 1000)]), 2),
        (says("x" * 8, "c"), 2 + 1 + 2),  # look, {'at': 'c'}
    ],
)
def test_four_characters_are_about_a_token(message: Message, tokens: int) -> None:
    assert tokens_of(message) == tokens


@pytest.mark.parametrize(("room", "kept"), [(-5, 1), (0, 1), (9, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3)])
def test_the_newest_turn_stays_and_others_as_room_allows(room: int, kept: int) -> None:
    turns = [[user("x" * 40)]] * 3
    assert len(newest_turns(turns, room)) == kept
    assert newest_turns([], room) == []
