"""`<think>` at the front of a reply."""

import pytest

from agentrouted.core.wire.thinking import ThinkSplitter

REPLIES = {
    "Hello": ("", "Hello"),
    "\n  Hello ": ("", "\n  Hello "),
    "<think>a</think>b": ("a", "b"),
    "  <think>\na\n</think>\n\nb\n": ("\na\n", "b\n"),
    "<think></think>b": ("", "b"),
    "<think>a</think> <think>b</think> c": ("ab", "c"),
    "<think>a < b </thin k> c</think>d": ("a < b </thin k> c", "d"),
    "<think>a</</think>b": ("a</", "b"),
    "<think>never closed": ("never closed", ""),
    "<think>almost closed</think": ("almost closed</think", ""),
    "<thin": ("", "<thin"),
    "<thing>x</thing>": ("", "<thing>x</thing>"),
    "Write <think>a</think> then.": ("", "Write <think>a</think> then."),
    "<think>a</think>b<think>c</think>": ("a", "b<think>c</think>"),
    "<think>a</think>\n": ("a", ""),
    "": ("", ""),
    "\n": ("", "\n"),
    "<think></think>" * 2000 + "x": ("", "x"),
}


@pytest.mark.parametrize(("reply", "parts"), REPLIES.items(), ids=[reply[:30] for reply in REPLIES])
@pytest.mark.parametrize("size", [1, 3, 5, 10**6])
def test_the_front_is_split_the_same_in_pieces_of_any_size(reply: str, parts: tuple[str, str], size: int) -> None:
    splitter = ThinkSplitter()
    pieces = [splitter.feed(reply[start : start + size]) for start in range(0, len(reply), size)] + [splitter.end()]
    assert ("".join(reasoning for reasoning, _ in pieces), "".join(text for _, text in pieces)) == parts


def test_text_is_held_back_only_while_it_might_become_a_tag() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<th") == ("", "")
    assert splitter.feed("e answer") == ("", "<the answer")
    assert splitter.feed("<think>") == ("", "<think>")
