"""What was loaded or interrupted, made fit to be sent."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

from agentrouted.core.tokens import text_of
from agentrouted_protocol.messages import Message, TextPart, ToolCall

UNANSWERED: Final = "Error: the run was interrupted before this call was answered"

_Place = tuple[int, int]
"""Of a call: the index of its message, and its own in there."""


def repair(messages: Sequence[Message]) -> list[Message]:
    """The same conversation, valid for every provider. Equal to what is given if that is valid already.

    Each call is followed by its one result, in the order of the calls; a call without one gets an error as its
    result. Results without a call, second results, and replies that say nothing go. Ids of calls are unique.
    To be done before anything of this room: the others rely on it.
    """
    answers = _answers(messages)
    ids = _UniqueIds()
    repaired: list[Message] = []
    for index, message in enumerate(map(_without_strange_fields, messages)):
        if message.role == "tool" or _says_nothing(message):
            continue
        said = _with_unique_ids(message, ids)
        repaired.append(said)
        repaired += (_result(answers.get((index, place)), call) for place, call in enumerate(_calls(said)))
    return repaired


def _answers(messages: Sequence[Message]) -> Mapping[_Place, Message]:
    """The first result of each call. A result answers the last message before it that has a call of its id."""
    waiting: dict[str, deque[_Place]] = {}
    answers: dict[_Place, Message] = {}
    for index, message in enumerate(messages):
        asked: dict[str, deque[_Place]] = {}
        for place, call in enumerate(_calls(message)):
            asked.setdefault(call.id, deque()).append((index, place))
        waiting.update(asked)
        if message.role == "tool" and (places := waiting.get(message.tool_call_id or "")):
            answers[places.popleft()] = _without_strange_fields(message)
    return answers


class _UniqueIds:
    """The first call of an id keeps it, the others get a number behind; what comes later changes nothing before it."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._numbers = Counter[str]()

    def next(self, id_: str) -> str:
        stem = unique = id_ or "call"
        while unique in self._given:
            self._numbers[stem] += 1
            unique = f"{stem}_{self._numbers[stem]}"
        self._given.add(unique)
        return unique


def _with_unique_ids(message: Message, ids: _UniqueIds) -> Message:
    calls = [(call, ids.next(call.id)) for call in _calls(message)]
    if all(call.id == id_ for call, id_ in calls):
        return message
    return message.model_copy(update={"tool_calls": [call.model_copy(update={"id": id_}) for call, id_ in calls]})


def _result(answer: Message | None, call: ToolCall) -> Message:
    if answer is None:
        return Message(role="tool", tool_call_id=call.id, name=call.name, content=UNANSWERED)
    return answer if answer.tool_call_id == call.id else answer.model_copy(update={"tool_call_id": call.id})


def _calls(message: Message) -> Sequence[ToolCall]:
    return message.tool_calls or () if message.role == "assistant" else ()


def _says_nothing(message: Message) -> bool:
    if message.role != "assistant" or message.tool_calls:
        return False
    has_text_only = isinstance(message.content, str) or all(isinstance(part, TextPart) for part in message.content)
    return has_text_only and not text_of(message).strip()


def _without_strange_fields(message: Message) -> Message:
    """Calls belong to replies, and the id of a call to its result."""
    if message.tool_calls and message.role != "assistant":
        message = message.model_copy(update={"tool_calls": None})
    if message.tool_call_id and message.role != "tool":
        message = message.model_copy(update={"tool_call_id": None})
    return message
