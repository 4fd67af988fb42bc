"""What model servers really send, as a table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agentrouted.testing.replies import USAGE, Reply, chunk
from agentrouted_protocol.errors import ErrorKind
from agentrouted_protocol.messages import StopReason

Calls = list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Said:
    """One reply of a model, which a server can send as a stream or as one document."""

    streamed: Reply
    whole: Reply


def said(
    *deltas: Mapping[str, Any],
    finish: Any = "stop",
    usage: Any = USAGE,
    whole: Mapping[str, Any] | None = None,
    late: bool = True,
) -> Said:
    """These deltas; as a document the message `whole`, which is their sum unless it is given.

    `late` usage comes after the finish; else in every chunk, growing to what it is in the end.
    """
    opened = [*map(chunk, deltas), chunk({}, finish)]
    if late:
        opened += [{**chunk({}), "choices": [], "usage": usage}]
    else:
        opened = [{**each, "usage": {"prompt_tokens": 1}} for each in opened[:-1]] + [{**opened[-1], "usage": usage}]
    choice = {"index": 0, "message": whole or _sum(deltas), "finish_reason": finish}
    return Said(Reply.events(*opened, "[DONE]"), Reply.json({"choices": [choice], "usage": usage}))


def as_they_are(streamed: Reply, whole: Reply) -> Said:
    return Said(streamed, whole)


def documents(*payloads: Any) -> Said:
    """Each one an event of a stream; as one document the last of them that says something."""
    return Said(Reply.events(*payloads, "[DONE]"), Reply.json(payloads[-1]))


def text(content: Any, **more: Any) -> Said:
    return said({"role": "assistant", "content": content}, **more)


def calls(*asked: Mapping[str, Any], **more: Any) -> Said:
    """One delta for each call."""
    return said(*({"tool_calls": [call]} for call in asked), **{"finish": "tool_calls", **more})


def call(name: str, arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    """An `id` and an `index` only where they are given."""
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def _sum(deltas: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for delta in deltas:
        for name, value in delta.items():
            known = message.get(name)
            message[name] = known + value if known is not None and value is not None else value
    return message


@dataclass(frozen=True)
class Quirk:
    """Replies in the order of the requests, and what the run makes of them."""

    replies: tuple[Said, ...]
    calls: Calls = field(default_factory=list)
    """What the client's tools were called with, in order."""

    told: list[str] | None = None
    """What the model was told of its calls; as the tools answer, unless it is given."""

    text: str = "Done."
    reasoning: str | None = None
    """Of the first reply in the transcript."""

    stop_reason: StopReason = "end_turn"
    model_calls: int | None = None
    """As many as there are replies, unless given."""

    estimated: bool = False
    cost: float = 0.0
    kind: ErrorKind | None = None
    """Of the error that the run ends with."""


DONE: Final = text("Done.")
ONE, TWO = {"a": 1, "b": 2}, {"a": 3, "b": 4}
_ONE, _TWO = json.dumps(ONE), json.dumps(TWO)
_BOTH: Final[Calls] = [("add", ONE), ("add", TWO)]
ANSWERS: Final = {"add": "3", "time": "noon"}
_MISFIT: Final = "Error: the arguments of add do not fit its schema: "
_NO_OBJECT: Final = "Error: could not parse arguments for 'add': they are not a JSON object"
_HALF: Final = b'{"choices":[{"index":0,"message":{"content":"Hel'
_MANY_LINES: Final = (
    b": OPENROUTER PROCESSING\r\n\r\nevent: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n:\r\n"
    b'id: 1\r\nretry: 5\r\ndata:{"choices":\r\ndata: [{"delta":{"content":"Done."}}]}\r\n\r\n: keep-alive\r\n\r\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}\r\n'
    b"\r\ndata:[DONE]"
)


def _answered(first: Said, arguments: dict[str, Any] | None = None, **more: Any) -> Quirk:
    """A reply that means one call of `add`, then an answer."""
    return Quirk((first, DONE), [("add", arguments or ONE)], **more)


def _refused(first: Said, told: str) -> Quirk:
    """A call that is not made; the model is told why, and does better."""
    better = calls(call("add", _TWO, id="y"))
    return Quirk((first, better, DONE), [("add", TWO)], told=[told, "3"])


def _both(first: Said) -> Quirk:
    return Quirk((first, DONE), _BOTH)


def _costs(cost: Any, dollars: float = 0.0) -> Quirk:
    return Quirk((text("Done.", usage={**USAGE, "cost": cost}),), cost=dollars)


def _arguments(arguments: Any) -> Said:
    return calls(call("add", arguments, id="x", index=0))


def _fails(first: Said, kind: ErrorKind, spoken: str = "", **more: Any) -> Quirk:
    return Quirk((first,), kind=kind, text=spoken, **more)


QUIRKS: Final[Mapping[str, Quirk]] = {
    # The bill
    "no usage": Quirk((text("Done.", usage=None),), estimated=True),
    "usage that is empty": Quirk((text("Done.", usage={}),), estimated=True),
    "usage of zeros": Quirk((text("Done.", usage={"prompt_tokens": 0, "completion_tokens": 0}),), estimated=True),
    "usage that is nonsense": Quirk(
        (text("Done.", usage={"prompt_tokens": "10", "completion_tokens": -5}),), estimated=True
    ),
    "usage in all chunks, the last at the finish": Quirk((text("Done.", late=False),)),
    "usage in the choice": Quirk(
        (documents(chunk({"content": "Done."}), {"choices": [{"delta": {}, "finish_reason": "stop", "usage": USAGE}]}),)
    ),
    "a call without usage, an answer with it": _answered(
        calls(call("add", _ONE, id="x"), usage=None), estimated=True
    ),
    "a cost": _costs(0.25, 0.25),
    "a cost of NaN": _costs(float("nan")),
    "a cost that is infinite": _costs(float("inf")),
    "a cost below zero": _costs(-1),
    "a cost that is true": _costs(True),
    "a cost that is text": _costs("0.25"),
    # Reasoning
    "think tags": Quirk(
        (said(*({"content": letter} for letter in "<think>plan</think>\n\nDone.")),), reasoning="plan"
    ),
    "think tags before a call": _answered(
        said({"content": "<think>plan</think>\n"}, {"tool_calls": [call("add", _ONE, id="x")]}), reasoning="plan"
    ),
    "reasoning_content": Quirk((said({"reasoning_content": "pl"}, {"reasoning_content": "an"}, {"content": "Done."}),), reasoning="plan"),
    "reasoning": Quirk((said({"reasoning": "plan", "content": ""}, {"content": "Done."}),), reasoning="plan"),
}
