"""Signed reasoning goes back to the model that wrote it, and to no other."""

from typing import Any

import pytest
from harness.wire import endpoint

from agentrouted.core.wire.signed import signed_by, with_signed
from agentrouted_protocol.messages import Message, SignedBlock

HERE = endpoint("http://models.example/v1")
TEXT, CALL, OTHER_CALL = {"text": "Let me see."}, {"call": "a"}, {"call": "b"}
FIRST, SECOND = {"thinking": "plan", "signature": "s1"}, {"thinking": "more", "signature": "s2"}
SIGNED = signed_by(HERE, [SignedBlock(at=0, block=FIRST), SignedBlock(at=2, block=SECOND)])


def test_reasoning_stands_where_it_stood() -> None:
    message = Message(role="assistant", signed=SIGNED)
    assert with_signed(HERE, message, [TEXT, CALL, OTHER_CALL]) == [FIRST, TEXT, CALL, SECOND, OTHER_CALL]


def test_reasoning_of_what_is_no_longer_there_stands_at_the_end() -> None:
    assert with_signed(HERE, Message(role="assistant", signed=SIGNED), [TEXT]) == [FIRST, TEXT, SECOND]


@pytest.mark.parametrize("other", [{"model_id": "other"}, {"provider": "other"}, {"wire": "other"}])
def test_another_model_does_not_get_it(other: dict[str, Any]) -> None:
    message = Message(role="assistant", signed=SIGNED)
    assert with_signed(endpoint(HERE.base_url, **other), message, [TEXT]) == [TEXT]


def test_nothing_is_signed_where_there_is_nothing() -> None:
    assert signed_by(HERE, []) is None
    assert with_signed(HERE, Message(role="assistant"), [TEXT]) == [TEXT]
