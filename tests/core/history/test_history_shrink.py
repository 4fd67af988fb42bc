"""Even one giant turn fits, cut no more than it takes."""

from collections.abc import Sequence
from random import Random

import pytest
from harness.transcripts import faults, result, says, system, user, valid_transcript

from agentrouted.core.history.excerpt import LONGEST_PIECE, excerpt, read_piece
from agentrouted.core.history.shrink import Shrunk, fit_after_overflow, fit_window, shrink
from agentrouted.core.history.turns import tokens
from agentrouted.core.tokens import text_of
from agentrouted_protocol.messages import ImagePart, Message, TextPart, ToolCall

LONG = "".join(f"line {number}\n" for number in range(4000))
OLD = [user("before"), says("yes")]


def lengths(messages: Sequence[Message]) -> list[int]:
    return [len(text_of(message)) for message in messages]


def test_what_fits_is_left_alone() -> None:
    messages = [system("s"), *OLD, user("u"), says("", "a"), result("a", LONG)]
    shrunk = shrink(messages, tokens(messages))
    assert shrunk == Shrunk(messages, cut=frozenset(), shortened=0, left_out=0, fits=True)


def test_a_long_result_keeps_head_and_tail_and_says_how_to_read_the_rest() -> None:
    messages = [*OLD, user("u"), says("", "a"), result("a", LONG)]
    shrunk = shrink(messages, 1000)
    text = text_of(shrunk.messages[-1])
    assert text.startswith("line 0\n") and text.endswith("line 3999\n")
    assert "characters are left out: read_result gives them, call_id a, offset " in text
    assert (shrunk.cut, shrunk.shortened, shrunk.left_out, shrunk.fits) == (frozenset("a"), 1, 0, True)
    assert 990 <= tokens(shrunk.messages) <= 1000


def test_no_more_is_cut_than_it_takes_and_the_longest_is_cut_first() -> None:
    steps = [says("", "a"), result("a", "x" * 9000), says("", "b"), result("b", "y" * 3000), says("", "c"), result("c")]
    messages = [user("u"), *steps]
    shrunk = shrink(messages, tokens(messages) - 500)
    assert shrunk.cut == {"a"} and shrunk.messages[4] is messages[4]
    assert tokens(messages) - 505 <= tokens(shrunk.messages) <= tokens(messages) - 500


def test_results_that_the_model_has_not_seen_are_cut_last() -> None:
    messages = [user("u"), says("", "a"), result("a", "x" * 2000), says("", "b"), result("b", "y" * 9000)]
    assert shrink(messages, tokens(messages) - 200).cut == {"a"}
    assert shrink(messages, tokens(messages) - 1200).cut == {"a", "b"}


def test_results_of_the_same_length_are_cut_to_the_same_length() -> None:
    ids = [str(number) for number in range(9)]
    messages = [user("u"), says("", *ids), *(result(id_, "x" * 5000) for id_ in ids)]
    assert len(set(lengths(shrink(messages, 5000).messages[2:]))) == 1


def test_older_turns_go_only_where_cut_results_are_not_enough() -> None:
    giant = [user("u"), says("", "a"), result("a", LONG), says("done")]
    old = [user("x" * 4000), says("yes")]
    kept = shrink([system("s"), *old, *giant], 2000)
    assert (kept.left_out, kept.cut, kept.fits) == (0, frozenset("a"), True)
    gone = shrink([system("s"), *old, *giant], 900)
    assert (gone.left_out, gone.cut, gone.fits) == (2, frozenset("a"), True)
    # The room that an old turn leaves is the result's.
    assert tokens(gone.messages) >= 890


def test_texts_of_the_user_are_cut_after_results_and_old_turns() -> None:
    messages = [*OLD, user(LONG), says("", "a"), result("a", LONG)]
    shrunk = shrink(messages, 1000)
    assert (shrunk.left_out, shrunk.shortened, shrunk.cut, shrunk.fits) == (2, 2, frozenset("a"), True)
    assert text_of(shrunk.messages[0]).startswith("line 0\n") and "read_result" not in text_of(shrunk.messages[0])


def test_pictures_of_the_user_stay() -> None:
    picture = ImagePart(url="https://pictures.example/1")
    shrunk = shrink([user([TextPart(text=LONG), picture])], 500)
    assert shrunk.fits and shrunk.messages[0].content[1] == picture


def test_what_the_model_wrote_is_cut_last_and_calls_stay_calls() -> None:
    arguments = {"path": "a.py", "text": LONG, "mode": 7}
    written = Message(role="assistant", tool_calls=[ToolCall(id="a", name="write", arguments=arguments)])
    shrunk = shrink([user("u"), written, result("a", "ok")], 400)
    call = (shrunk.messages[1].tool_calls or [])[0]
    assert shrunk.fits and shrunk.cut == frozenset() and shrunk.shortened == 1
    assert (call.id, call.arguments["path"], call.arguments["mode"]) == ("a", "a.py", 7)
    assert len(call.arguments["text"]) < 2000


def test_what_cannot_fit_is_said() -> None:
    shrunk = shrink([system(LONG), *OLD, user("u")], 100)
    assert not shrunk.fits and list(shrunk.messages) == [system(LONG), user("u")]


def test_anything_fits_if_it_can_and_stays_valid_and_unchanged_itself() -> None:
    for seed in range(300):
        random = Random(seed)
        messages = valid_transcript(random)
        before, room = list(messages), random.randrange(100, 8000)
        shrunk = shrink(messages, room)
        assert messages == before and faults(shrunk.messages) == [] and shrunk == shrink(messages, room)
        assert shrunk.fits == (tokens(shrunk.messages) <= room)
        is_wasteful = bool(shrunk.shortened) and tokens(shrunk.messages) < room - 2 * len(messages)
        assert shrunk.left_out or not is_wasteful


def test_a_window_keeps_its_reserve() -> None:
    messages = [user("u"), says("", "a"), result("a", LONG)]
    shrunk = fit_window(messages, 4000, 1000)
    assert shrunk.fits and 2990 <= tokens(shrunk.messages) <= 3000


@pytest.mark.parametrize(("window", "expected"), [(None, 5000), (100_000, 5000), (4000, 3000)])
def test_after_an_overflow_half_is_tried_or_less(window: int | None, expected: int) -> None:
    messages = [user("word"), says("", "a"), result("a", "x" * 4 * 9994)]
    assert tokens(messages) == 9998
    assert expected - 10 <= tokens(fit_after_overflow(messages, window, 1000).messages) <= expected


def test_after_an_overflow_long_instructions_stay_and_half_of_the_rest_goes() -> None:
    messages = [system("x" * 40_000), user("u"), says("", "a"), result("a", "x" * 8000)]
    shrunk = fit_after_overflow(messages, None, 0)
    assert shrunk.fits and 10_990 <= tokens(shrunk.messages) <= 11_003


@pytest.mark.parametrize("messages", [[], [system("s")], [user("")], [says("", "a"), result("a")]])
def test_there_may_be_next_to_nothing(messages: list[Message]) -> None:
    assert list(shrink(messages, 0).messages) == messages


def test_ten_megabytes_and_a_hundred_thousand_messages_are_cut() -> None:
    many = [user("u"), *(m for n in range(50_000) for m in (says("", str(n)), result(str(n), "x" * 700)))]
    assert shrink(many, 9_000_000).fits
    assert shrink([user("u"), says("", "a"), result("a", "x" * 10_000_000)], 1000).fits


@pytest.mark.parametrize("text", ["", "short", "x" * 500])
def test_an_excerpt_is_never_longer_than_its_text(text: str) -> None:
    assert len(excerpt(text, 450, "a-call")) <= len(text)


@pytest.mark.parametrize(
    ("offset", "limit", "read"),
    [
        (0, 4, "0123\n[characters 0 to 4 of 10]"),
        (8, 4, "89\n[characters 8 to 10 of 10]"),
        (-3, 2, "01\n[characters 0 to 2 of 10]"),
        (99, 4, "\n[characters 10 to 10 of 10]"),
        (5, 0, "5\n[characters 5 to 6 of 10]"),
    ],
)
def test_a_piece_says_where_it_stands(offset: int, limit: int, read: str) -> None:
    assert read_piece("0123456789", offset, limit) == read


def test_a_piece_has_a_largest_length() -> None:
    assert len(read_piece("x" * 10**6, 0, 10**9)) < LONGEST_PIECE + 100


def test_all_that_is_left_out_can_be_read_in_pieces() -> None:
    text, offset = "", 0
    while offset < len(LONG):
        piece = read_piece(LONG, offset, 10_000).rpartition("\n")[0]
        text, offset = text + piece, offset + len(piece)
    assert text == LONG
