"""Conversations: short ones to write down, random ones, and what is wrong with one."""

from collections.abc import Iterator, Sequence
from random import Random

from agentrouted_protocol.messages import ImagePart, Message, Part, TextPart, ToolCall

Content = str | list[Part]


def system(text: str) -> Message:
    return Message(role="system", content=text)


def user(content: Content) -> Message:
    return Message(role="user", content=content)


def says(content: Content, *ids: str) -> Message:
    """A reply, with a call of each id."""
    calls = [ToolCall(id=id_, name="look", arguments={"at": id_}) for id_ in ids]
    return Message(role="assistant", content=content, tool_calls=calls or None)


def result(id_: str | None, content: Content = "seen") -> Message:
    return Message(role="tool", tool_call_id=id_, name="look", content=content)


def valid_transcript(random: Random, turns: int = 5) -> list[Message]:
    """One as it should be."""
    messages = [system("Be kind.")] * random.randrange(3)
    for turn in range(turns):
        messages.append(user(_text(random)))
        for step in range(random.randrange(4)):
            ids = [f"call-{turn}-{step}-{number}" for number in range(random.randrange(1, 4))]
            messages += [says(_text(random) * random.randrange(2), *ids), *(result(id_, _text(random)) for id_ in ids)]
        if random.random() < 0.2:
            messages.append(system("Hurry up."))
        messages.append(says(_text(random)))
    return messages


def random_transcript(random: Random, length: int = 30) -> list[Message]:
    """Anything that a file or a crash may leave."""
    return [_random_message(random) for _ in range(random.randrange(length))]


def faults(messages: Sequence[Message]) -> list[str]:
    """Why a provider would refuse it."""
    return [*_unpaired(messages), *_repeated(messages), *_empty(messages)]


def _random_message(random: Random) -> Message:
    ids = ["", "a", "b", "a_1", "a_2", "c"]
    called = [ToolCall(id=random.choice(ids), name="look", arguments={}) for _ in range(random.randrange(4))]
    role = random.choice(["system", "user", "assistant", "assistant", "tool", "tool"])
    return Message.model_validate(
        {
            "role": role,
            "content": random.choice(["", " ", "text", [], [TextPart(text="")], [ImagePart(url="https://x.example")]]),
            "toolCalls": called if role == "assistant" or random.random() < 0.1 else None,
            "toolCallId": random.choice([*ids, None]) if role == "tool" or random.random() < 0.1 else None,
        }
    )


def _text(random: Random) -> str:
    return "word " * random.choice([1, 3, 10, 200, 1000])


def _unpaired(messages: Sequence[Message]) -> Iterator[str]:
    asked: list[str] = []
    for index, message in enumerate(messages):
        if message.role == "tool":
            if [message.tool_call_id] != asked[:1]:
                yield f"{index}: a result of {message.tool_call_id} where {asked[:1]} was asked"
            asked = asked[1:]
            continue
        if asked:
            yield f"{index}: {asked} have no result"
        asked = [call.id for call in message.tool_calls or ()]
        if (asked and message.role != "assistant") or message.tool_call_id:
            yield f"{index}: a field that does not belong to {message.role}"
    if asked:
        yield f"the end: {asked} have no result"


def _repeated(messages: Sequence[Message]) -> Iterator[str]:
    ids = [call.id for message in messages for call in message.tool_calls or ()]
    yield from (f"{id_!r} is no id of one call" for id_ in set(ids) if not id_ or ids.count(id_) > 1)


def _empty(messages: Sequence[Message]) -> Iterator[str]:
    for index, message in enumerate(messages):
        parts = [TextPart(text=message.content)] if isinstance(message.content, str) else message.content
        has_content = any(not isinstance(part, TextPart) or part.text.strip() for part in parts)
        if message.role == "assistant" and not message.tool_calls and not has_content:
            yield f"{index}: a reply that says nothing"
