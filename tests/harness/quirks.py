"""What model servers really send, as a table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agentrouted.testing.replies import USAGE, Reply, chunk
from agentrouted_protocol.errors import ErrorKind
from agentrouted_protocol.messages import StopReason

Calls = list[tuple[str, dict[str, Any]]]
Delta = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """One reply of a model, which a server may send as a stream or as one document."""

    streamed: Reply
    whole: Reply


@dataclass(frozen=True)
class Quirk:
    """Replies in the order of the requests, and what the run makes of them."""

    replies: tuple[Said, ...]
    calls: Calls = field(default_factory=list)
    """What the client's tools were called with, in order."""

    misled: str | None = None
    """What the model was told of a call that was not made, before it made the others."""

    text: str = "Done."
    reasoning: str | None = None
    """Of the first reply in the transcript."""

    stop_reason: StopReason = "end_turn"
    estimated: bool = False
    cost: float = 0.0
    kind: ErrorKind | None = None
    """Of the error that the run ends with."""

    unbilled: int = 0
    """Replies that cost nothing."""

    @property
    def billed(self) -> int:
        return len(self.replies) - self.unbilled

    @property
    def told(self) -> list[str]:
        """What the model was told of its calls."""
        return [*([] if self.misled is None else [self.misled]), *(ANSWERS[name] for name, _ in self.calls)]


def said(*deltas: Delta, finish: Any = "stop", usage: Any = USAGE, whole: Delta | None = None) -> Said:
    """These deltas, each in a chunk; as a document, the message `whole`: their sum, unless it is given."""
    message = _sum(deltas) if whole is None else whole
    document = {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}
    last = [chunk({}, finish), {**chunk({}), "choices": [], "usage": usage}]
    return Said(Reply.events(*map(chunk, deltas), *last, "[DONE]"), Reply.json(document))


def text(content: Any, **more: Any) -> Said:
    return said({"role": "assistant", "content": content}, **more)


def asks(*calls: Delta, finish: Any = "tool_calls", **more: Any) -> Said:
    """Each call in a delta of its own."""
    return said(*({"tool_calls": [call]} for call in calls), finish=finish, **more)


def call(name: str | None, arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    """With `id` and `index` only where they are given."""
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def _sum(deltas: tuple[Delta, ...]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for delta in deltas:
        for name, value in delta.items():
            known = message.get(name)
            message[name] = value if known is None else known if value is None else known + value
    return message


ANSWERS: Final = {"add": "3", "time": "noon"}
DONE: Final = text("Done.")
ONE, TWO = {"a": 1, "b": 2}, {"a": 3, "b": 4}
_ONE, _TWO = json.dumps(ONE), json.dumps(TWO)
_MISFIT: Final = "Error: the arguments of add do not fit its schema: "
_NO_JSON: Final = "Error: could not parse arguments for 'add': "
_NO_OBJECT: Final = _NO_JSON + "they are not a JSON object"


def _added(first: Said, **more: Any) -> Quirk:
    """A reply that means one call of `add`, then an answer."""
    return Quirk((first, DONE), [("add", ONE)], **more)


def _arguments(arguments: Any) -> Quirk:
    return _added(asks(call("add", arguments, id="x", index=0)))


def _both(first: Said) -> Quirk:
    return Quirk((first, DONE), [("add", ONE), ("add", TWO)])


def _not_made(name: str, arguments: str, told: str) -> Quirk:
    """A call that is not made: the model is told why, and does better."""
    first, better = asks(call(name, arguments, id="x", index=0)), asks(call("add", _TWO, id="y", index=0))
    return Quirk((first, better, DONE), [("add", TWO)], misled=told)


def _costs(reported: Any, dollars: float = 0.0) -> Quirk:
    return Quirk((text("Done.", usage={**USAGE, "cost": reported}),), cost=dollars)


def _fails(first: Said, kind: ErrorKind, *, times: int = 1, **more: Any) -> Quirk:
    return Quirk((first,) * times, kind=kind, **{"text": "", **more})


def _thinks(*deltas: Delta) -> Quirk:
    return Quirk((said(*deltas),), reasoning="plan")


def _one_way(reply: Reply) -> Said:
    """The same however it was asked for."""
    return Said(reply, reply)


_ERROR: Final = {"error": {"message": "the engine has died", "code": 500}}
_BROKEN: Final = {**chunk({}, "error"), **_ERROR}
_SSE: Final = (
    b": PROCESSING\r\n\r\nevent: ping\r\ndata: {}\r\n\r\n:\r\nid: 1\r\nretry: 5\r\n"
    b'data:{"choices":\r\ndata: [{"delta":{"content":"Done."}}]}\r\n\r\n: keep-alive\r\n\r\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}\r\n'
    b"\r\ndata:[DONE]"
)
_PARTS: Final = [{"type": "text", "text": "Do"}, {"type": "text", "text": "ne."}]
_THINKING: Final = [{"type": "thinking", "thinking": [{"type": "text", "text": "plan"}]}]
_GROWING: Final = [
    {**chunk({"content": "Done."}), "usage": {"prompt_tokens": 10, "completion_tokens": 1}},
    {**chunk({}, "stop"), "usage": USAGE},
]
_IN_THE_CHOICE: Final = {"index": 0, "message": {"content": "Done."}, "finish_reason": "stop", "usage": USAGE}

BILLS: Final[Mapping[str, Quirk]] = {
    "no usage": Quirk((text("Done.", usage=None),), estimated=True),
    "no usage of a call": _added(asks(call("add", _ONE, id="x"), usage=None), estimated=True),
    "usage that is empty": Quirk((text("Done.", usage={}),), estimated=True),
    "usage of zeros": Quirk((text("Done.", usage={"prompt_tokens": 0, "completion_tokens": 0}),), estimated=True),
    "usage of nonsense": Quirk(
        (text("Done.", usage={"prompt_tokens": "10", "completion_tokens": -5}),), estimated=True
    ),
    "usage before the finish": Quirk((Said(Reply.events(*_GROWING, "[DONE]"), DONE.whole),)),
    "usage in the choice": Quirk(
        (
            Said(
                Reply.events(chunk({"content": "Done."}), {"choices": [{**_IN_THE_CHOICE, "delta": {}}]}, "[DONE]"),
                Reply.json({"choices": [_IN_THE_CHOICE]}),
            ),
        )
    ),
    "a cost": _costs(0.25, 0.25),
    "a cost of NaN": _costs(float("nan")),
    "a cost without end": _costs(float("inf")),
    "a cost below zero": _costs(-1),
    "a cost that is true": _costs(True),
    "a cost that is text": _costs("0.25"),
}

REASONING: Final[Mapping[str, Quirk]] = {
    "tags": _thinks(*({"content": letter} for letter in "<think>plan</think>\n\nDone.")),
    "tags before a call": _added(
        said({"content": "<think>plan</think>\n"}, {"tool_calls": [call("add", _ONE, id="x")]}), reasoning="plan"
    ),
    "reasoning_content": _thinks({"reasoning_content": "pl"}, {"reasoning_content": "an"}, {"content": "Done."}),
    "reasoning": _thinks({"reasoning": "plan", "content": ""}, {"content": "Done."}),
    "parts": _thinks({"content": _THINKING}, {"content": _PARTS}),
    "reasoning_content before a call": _added(
        said({"content": None, "reasoning_content": "plan"}, {"tool_calls": [call("add", _ONE, id="x")]}),
        reasoning="plan",
    ),
}

ENDS: Final[Mapping[str, Quirk]] = {
    "an error's body with status 200": _fails(_one_way(Reply.json(_ERROR)), "providerError", unbilled=1),
    "an error's sentence with status 200": _fails(
        _one_way(Reply.json({"error": "model 'm' not found"})), "modelMissing", unbilled=1
    ),
    "an error as the first event": _fails(_one_way(Reply.events(_ERROR)), "providerError", unbilled=1),
    "an error in mid-stream": _fails(
        Said(
            Reply.events(chunk({"content": "Hel"}), _BROKEN, "[DONE]"),
            Reply.json({"choices": [{"message": {"content": "Hel"}, "finish_reason": "error", **_ERROR}]}),
        ),
        "providerError",
        text="Hel",
        estimated=True,
    ),
    "an error after a call was begun": _fails(
        _one_way(Reply.events(chunk({"tool_calls": [call("add", '{"a"', id="x")]}), _ERROR)),
        "providerError",
        estimated=True,
    ),
    "a stream that is cut": _fails(
        _one_way(Reply.events(chunk({"content": "Hel"}))), "responseTruncated", text="Hel", estimated=True
    ),
    "a call that is cut": _fails(
        _one_way(Reply.events(chunk({"tool_calls": [call("add", '{"a":1', id="x")]}))),
        "responseTruncated",
        estimated=True,
    ),
    "a connection that is reset": _fails(
        Said(text("Hello").streamed.cut(after=180), Reply.json({"choices": []}).cut(after=10)),
        "responseTruncated",
        times=2,
        unbilled=2,
    ),
    "a document that is cut": _fails(
        _one_way(Reply.raw(b'{"choices":[{"message":{"content":"Hel')), "responseTruncated", times=2, unbilled=2
    ),
    "no [DONE] after a finish": Quirk(
        (Said(Reply.events(chunk({"content": "Done."}, "stop"), {"choices": [], "usage": USAGE}), DONE.whole),)
    ),
    "no finish before [DONE]": Quirk((text("Done.", finish=None),)),
    "too many requests": _fails(_one_way(Reply.status(429, headers={"retry-after": "70"})), "rateLimited", unbilled=1),
    "a redirect": _fails(
        _one_way(Reply.status(307, headers={"location": "http://127.0.0.1:1/v1"})), "providerError", unbilled=1
    ),
    "a web page": Quirk((_one_way(Reply.raw(b"<!DOCTYPE html><p>Sign in</p>")), DONE), unbilled=1),
    "the limit of tokens": Quirk((text("Don", finish="length"),), text="Don", stop_reason="max_tokens"),
    "the limit of tokens, in capitals": Quirk(
        (text("Don", finish="MAX_TOKENS"),), text="Don", stop_reason="max_tokens"
    ),
    "nothing, at the limit of tokens": Quirk((text("", finish="length"),), text="", stop_reason="max_tokens"),
    "a filter": Quirk((text("", finish="content_filter"),), text="", stop_reason="refusal"),
    "a refusal": Quirk((said({"refusal": "No."}),), text="No.", stop_reason="refusal"),
}

EMPTY: Final[Mapping[str, Quirk]] = {
    "an empty reply": Quirk((text(""), DONE)),
    "an empty reply, twice": Quirk((text(""), text("")), kind="responseInvalid", text=""),
    "a reply that is null": Quirk((text(None), DONE)),
    "a reply of blanks": Quirk((text(" \n"), DONE)),
    "only reasoning": Quirk((said({"reasoning_content": "hm"}), DONE)),
    "no message": Quirk(
        (
            Said(
                Reply.events({"choices": [], "usage": USAGE}, "[DONE]"),
                Reply.json({"choices": [{"message": None}], "usage": USAGE}),
            ),
            DONE,
        )
    ),
    "no choices": Quirk((_one_way(Reply.json({"choices": [], "usage": USAGE})), DONE)),
    "choices that are null": Quirk((_one_way(Reply.json({"choices": None, "usage": USAGE})), DONE)),
    "a finish of calls without calls": Quirk((asks(whole={"content": None}), DONE)),
    "a call without a name": Quirk((asks(call(None, None, index=0)), DONE)),
}

SHAPES: Final[Mapping[str, Quirk]] = {
    "choices that are empty or null between others": Quirk(
        (
            Said(
                Reply.events(
                    {"choices": []},
                    {"choices": None},
                    chunk({"content": "Do"}),
                    {"choices": [None]},
                    chunk({"content": "ne."}),
                    chunk({}, "stop"),
                    {"choices": [], "usage": USAGE},
                    "[DONE]",
                ),
                DONE.whole,
            ),
        )
    ),
    "comments, keep-alives, returns": Quirk((Said(Reply.raw(_SSE), DONE.whole),)),
    "characters of several bytes": Quirk(
        (said(*({"content": each} for each in "Grüße, 世界 🦜")),), text="Grüße, 世界 🦜"
    ),
    "gzip": Quirk((Said(DONE.streamed.gzipped(), DONE.whole.gzipped()),)),
    "a byte order mark": Quirk(
        (Said(Reply.raw(b"\xef\xbb\xbf", *DONE.streamed.steps), Reply.raw(b"\xef\xbb\xbf", *DONE.whole.steps)),)
    ),
    "content in parts": Quirk((text(_PARTS),)),
    "no role": Quirk((said({"content": "Done."}),)),
    "a role in each delta": Quirk(
        (
            said(
                {"role": "assistant", "content": "Do"},
                {"role": "assistant", "content": "ne."},
                whole={"content": "Done."},
            ),
        )
    ),
    "a delta that is null": Quirk(
        (
            Said(
                Reply.events(
                    chunk({"content": "Done."}), {"choices": [{"delta": None, "finish_reason": "stop"}], "usage": USAGE}
                ),
                DONE.whole,
            ),
        )
    ),
    "calls that are null or none": Quirk((said({"content": "Done.", "tool_calls": None}),)),
    "a list of no calls": Quirk((said({"content": "Done.", "tool_calls": []}),)),
    "a call without a name beside text": Quirk((said({"content": "Done."}, {"tool_calls": [{"index": 0}]}),)),
}

CALLS: Final[Mapping[str, Quirk]] = {
    "finish stop": _added(asks(call("add", _ONE, id="x", index=0), finish="stop")),
    "finish null": _added(asks(call("add", _ONE, id="x", index=0), finish=None)),
    "beside text": _added(said({"content": "Let me see."}, {"tool_calls": [call("add", _ONE, id="x")]})),
    "beside null": _added(said({"content": None, "tool_calls": [call("add", _ONE, id="x")]})),
    "as the function_call of old": _added(
        said(
            {"function_call": {"name": "add", "arguments": ""}},
            {"function_call": {"arguments": _ONE}},
            finish="function_call",
            whole={"function_call": {"name": "add", "arguments": _ONE}},
        )
    ),
    "both as a function_call and as a call": _added(
        said({"tool_calls": [call("add", _ONE, id="x", index=0)], "function_call": {"name": "add", "arguments": _ONE}})
    ),
    "parallel": _both(asks(call("add", _ONE, id="x", index=0), call("add", _TWO, id="y", index=1))),
    "all at index 0": _both(asks(call("add", _ONE, id="x", index=0), call("add", _TWO, id="y", index=0))),
    "all at index 0, without id": _both(asks(call("add", _ONE, index=0), call("add", _TWO, id="", index=0))),
    "no index": _both(asks(call("add", _ONE, id="x"), call("add", _TWO, id="y"))),
    "an index of null": _both(asks(call("add", _ONE, id="x", index=None), call("add", _TWO, id="y", index=None))),
    "no id": _both(asks(call("add", _ONE, index=0), call("add", _TWO, index=1))),
    "no index, no id": _both(asks(call("add", _ONE), call("add", _TWO))),
    "all in one delta": _both(said({"tool_calls": [call("add", _ONE), call("add", _TWO)]})),
    "one id": _both(asks(call("add", _ONE, id="x", index=0), call("add", _TWO, id="x", index=1))),
    "ids that are numbers": _both(asks(call("add", _ONE, id=1, index=0), call("add", _TWO, id=2, index=1))),
    "one id in two turns": Quirk(
        (asks(call("add", _ONE, id="x")), asks(call("add", _TWO, id="x")), DONE), [("add", ONE), ("add", TWO)]
    ),
    "in pieces": _both(
        asks(
            call("add", "", id="x", index=0),
            call(None, _ONE[:5], index=0),
            call("add", "", id="y", index=1),
            call(None, _ONE[5:], index=0),
            call(None, _TWO, index=1),
            whole={"tool_calls": [call("add", _ONE, id="x"), call("add", _TWO, id="y")]},
        )
    ),
    "of two tools": Quirk(
        (asks(call("time", id="x", index=0), call("add", _ONE, id="y", index=1)), DONE), [("time", {}), ("add", ONE)]
    ),
}

ARGUMENTS: Final[Mapping[str, Quirk]] = {
    "an object": _arguments(ONE),
    "text in text": _arguments(json.dumps(_ONE)),
    "numbers as text": _arguments('{"a": "1", "b": "2"}'),
    "floats": _arguments('{"a": 1.0, "b": 2.0}'),
    "in a fence": _arguments(f"```json\n{_ONE}\n```"),
    "after an empty object": _arguments("{}" + _ONE),
    "with a comma too many": _arguments('{"a": 1, "b": 2,}'),
    "nothing": Quirk((asks(call("time", "", id="x")), DONE), [("time", {})]),
    "null": Quirk((asks(call("time", None, id="x")), DONE), [("time", {})]),
    "null as text": Quirk((asks(call("time", "null", id="x")), DONE), [("time", {})]),
    "an empty list": Quirk((asks(call("time", "[]", id="x")), DONE), [("time", {})]),
    "half of an object": _not_made("add", '{"a": 1, "b": ', _NO_JSON + "Expecting value: line 1 column 15 (char 14)"),
    "words": _not_made("add", "one and two", _NO_JSON + "Expecting value: line 1 column 1 (char 0)"),
    "a list": _not_made("add", "[1, 2]", _NO_OBJECT),
    "of another type": _not_made("add", '{"a": "one", "b": 2}', _MISFIT + "a: is not of type 'integer'"),
    "one missing": _not_made("add", '{"a": 1}', _MISFIT + "(root): 'b' is missing"),
    "of a tool that is not there": _not_made(
        "multiply", _ONE, "Error: unknown tool 'multiply'. Available: ['add', 'time']"
    ),
}

QUIRKS: Final[Mapping[str, Quirk]] = {
    f"{family}: {name}": quirk
    for family, rows in {
        "bill": BILLS,
        "reasoning": REASONING,
        "end": ENDS,
        "empty": EMPTY,
        "shape": SHAPES,
        "calls": CALLS,
        "arguments": ARGUMENTS,
    }.items()
    for name, quirk in rows.items()
}
