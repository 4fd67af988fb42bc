"""What calls have taken of late is what is set aside for the next ones."""

import pytest

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.usage.taken import Most, Taken
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.bill import most_tokens_in
from agentrouted_protocol.messages import Message, Usage

HOUR = 3600.0
ENDPOINT = Endpoint("acme", "m", "https://acme.example/v1", "chat_completions", local=False)
REQUEST = ModelRequest(messages=[Message(role="user", content="Hi")], max_tokens=5)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def learn(taken: Taken, hidden: int, reply: int = 5) -> None:
    taken.learn(ENDPOINT, REQUEST, Usage(input_tokens=most_tokens_in(REQUEST) + hidden, output_tokens=reply))


def test_what_one_call_took_is_not_expected_for_ever(clock: Clock) -> None:
    taken = Taken(clock)
    learn(taken, hidden=100_000, reply=9_000)
    seen = []
    for _ in range(4):
        learn(taken, hidden=30)
        seen.append(taken.by(ENDPOINT))
        clock.now += HOUR
    odd, usual = Most(100_000, 9_000, 9_000), Most(30, 5, 0)
    assert seen == [odd, odd, usual, usual]


def test_it_is_forgotten_too_where_it_leaves_no_room_for_another_call(clock: Clock) -> None:
    taken = Taken(clock)
    learn(taken, hidden=100_000)
    seen = []
    for _ in range(3):
        seen.append(taken.by(ENDPOINT).hidden)
        clock.now += HOUR
    assert seen == [100_000, 100_000, 0]


def test_it_is_known_still_after_a_night_in_which_nobody_was_asked(clock: Clock) -> None:
    taken = Taken(clock)
    learn(taken, hidden=30)
    clock.now += 12 * HOUR
    assert taken.by(ENDPOINT).hidden == 30
