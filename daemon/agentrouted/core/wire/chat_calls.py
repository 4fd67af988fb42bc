"""Tool calls of a chat completion, put together from deltas."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, RequestedCall
from agentrouted.core.wire.call_arguments import arguments_in
from agentrouted.core.wire.json_object import ObjectWatch


@dataclass(slots=True)
class _Call:
    id: str
    given_id: str
    name: str = ""
    parts: list[str] = field(default_factory=list)
    watch: ObjectWatch = field(default_factory=ObjectWatch)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.watch.feed(text)


class CallBuilder:
    """Takes the `tool_calls` of each delta.

    Servers number calls by `index`, or call all of them 0, or none; they give ids, or the same id twice, or none.
    A call gets an id of ours where its own is missing or taken; for the same transcript it is the same id.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._calls: list[_Call] = []
        self._by_index: dict[int | str, _Call] = {}
        self._by_given_id: dict[str, _Call] = {}

    @property
    def begun(self) -> int:
        """How many calls there are so far that have a name."""
        return sum(bool(call.name) for call in self._calls)

    @property
    def written(self) -> int:
        """How many characters the model has written."""
        return sum(len(call.name) + sum(map(len, call.parts)) for call in self._calls)

    def take(self, deltas: Sequence[Any]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for position, delta in enumerate(deltas):
            if isinstance(delta, Mapping):
                index = delta.get("index", position if len(deltas) > 1 else None)
                chunks += self._take(delta, index if isinstance(index, int | str) else None)
        return chunks

    def finish(self) -> tuple[RequestedCall, ...]:
        """Those that have a name: without one nothing is meant, and no provider would take it back."""
        return tuple(_requested(call) for call in self._calls if call.name)

    def _take(self, delta: Mapping[str, Any], index: int | str | None) -> list[Chunk]:
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else {}
        name, text = str(function.get("name") or ""), _as_text(function.get("arguments"))
        given_id = str(delta.get("id") or "")
        call = self._continued(index, given_id, name) or self._new(index, given_id)
        call.add(text)
        if name and not call.name:
            call.name = name
            started = CallStart(call.id, name)
            before = call.text
            return [started, CallArguments(call.id, before)] if before else [started]
        return [CallArguments(call.id, text)] if text and call.name else []

    def _continued(self, index: int | str | None, given_id: str, name: str) -> _Call | None:
        """The call that this is more of; None if it begins a new one."""
        by_id = self._by_given_id.get(given_id)
        if index is None:
            call = by_id if given_id else self._calls[-1] if self._calls else None
        else:
            call = self._by_index.get(index)
            if call and given_id and call.given_id and call.given_id != given_id:
                call = by_id
        if call and name and call.name and (name != call.name or call.watch.is_whole):
            return None
        return call

    def _new(self, index: int | str | None, given_id: str) -> _Call:
        call = _Call(given_id if given_id and given_id not in self._taken else self._made_up_id(), given_id)
        self._taken.add(call.id)
        self._calls.append(call)
        if given_id:
            self._by_given_id.setdefault(given_id, call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _made_up_id(self) -> str:
        # Nine letters and digits are what the strictest vendor, Mistral, takes.
        number = len(self._taken) + 1
        while (made_up := f"call{number:05}") in self._taken:
            number += 1
        return made_up


def _requested(call: _Call) -> RequestedCall:
    text = call.text
    return RequestedCall(call.id, call.name, text, arguments_in(text))


def _as_text(arguments: Any) -> str:
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return to_json(arguments).decode()
