"""Tool calls of a chat completion, put together from deltas."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, RequestedCall
from agentrouted.core.wire.loose_json import parse


@dataclass(slots=True)
class _Call:
    id: str
    given_id: str
    name: str = ""
    text: str = ""


class CallBuilder:
    """Takes the `tool_calls` of each delta.

    Servers number calls by `index`, or call all of them 0, or none; they give ids, or the same id twice, or none.
    A call gets an id of ours where its own is missing or taken; for the same transcript it is the same id.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._calls: list[_Call] = []
        self._by_index: dict[int | str, _Call] = {}

    def take(self, deltas: Sequence[Any]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for position, delta in enumerate(deltas):
            if isinstance(delta, Mapping):
                index = delta.get("index", position if len(deltas) > 1 else None)
                chunks += self._take(delta, index if isinstance(index, int | str) else None)
        return chunks

    def finish(self) -> tuple[RequestedCall, ...]:
        return tuple(RequestedCall(call.id, call.name, call.text, _as_object(call.text)) for call in self._calls)

    def _take(self, delta: Mapping[str, Any], index: int | str | None) -> list[Chunk]:
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else {}
        name, text = str(function.get("name") or ""), _as_text(function.get("arguments"))
        given_id = str(delta.get("id") or "")
        call = self._continued(index, given_id, name) or self._new(index, given_id)
        call.text += text
        if name and not call.name:
            call.name = name
            started = CallStart(call.id, name)
            return [started, CallArguments(call.id, call.text)] if call.text else [started]
        return [CallArguments(call.id, text)] if text and call.name else []

    def _continued(self, index: int | str | None, given_id: str, name: str) -> _Call | None:
        """The call that this is more of; None if it begins a new one."""
        by_id = next((call for call in self._calls if given_id and call.given_id == given_id), None)
        if index is None:
            call = by_id if given_id else self._calls[-1] if self._calls else None
        else:
            call = self._by_index.get(index)
            if call and given_id and call.given_id and call.given_id != given_id:
                call = by_id
        if call and name and call.name and (name != call.name or _is_whole(call.text)):
            return None
        return call

    def _new(self, index: int | str | None, given_id: str) -> _Call:
        call = _Call(given_id if given_id and given_id not in self._taken else self._made_up_id(), given_id)
        self._taken.add(call.id)
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _made_up_id(self) -> str:
        # Nine letters and digits are what the strictest vendor, Mistral, takes.
        number = len(self._taken) + 1
        while (made_up := f"call{number:05}") in self._taken:
            number += 1
        return made_up


def _as_text(arguments: Any) -> str:
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return to_json(arguments).decode()


def _as_object(text: str) -> dict[str, Any] | None:
    """Nothing and `null` mean no arguments; some send the JSON text once more as a JSON string."""
    if not text.strip():
        return {}
    try:
        value = parse(text)
        value = parse(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return {} if value is None else value if isinstance(value, dict) else None


def _is_whole(text: str) -> bool:
    try:
        return isinstance(from_json(text), dict)
    except ValueError:
        return False
