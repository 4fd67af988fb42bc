"""One of OpenAI's responses, put together as it comes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agentrouted.core.wire.base import Chunk
from agentrouted.core.wire.reply import Reply, name_in, place_in

# Where these stand in place of output, it is an error without the name.
_SAYS_WHY_NOT: Final = frozenset({"message", "detail"})

_READ: Final = frozenset({"message", "reasoning", "function_call", None})
_NAMED_IN_PART: Final = frozenset({"type", "text", "refusal"})

_ENDS: Final = frozenset({"completed", "incomplete"})


class ResponsesReply(Reply):
    """What a `type` that has no meaning here says is passed over: there are fifty of them.

    Each item of the output may come in pieces and once more when it is whole, and all of them again at the end.
    """

    # The last three repeat what was asked.
    named = frozenset({"error", "model", "object", "output", "status", "usage", "input", "instructions", "tools"})
    wrapped = True
    counted = frozenset({"cached_tokens", "cost", "input_tokens", "output_tokens", "reasoning_tokens", "total_tokens"})

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._response: Mapping[str, Any] = {}
        self._calls_begun: set[Any] = set()
        self._told: set[Any] = set()
        self._whole: set[Any] = set()
        self._thought: Any = None

    def raw(self) -> Mapping[str, Any]:
        self.last = self._response
        return super().raw()

    def read(self, document: Mapping[str, Any], chunks: list[Chunk]) -> None:
        kind = name_in(document, "type") or ""
        if kind == "error" or document.get("error"):
            self._take_usage(_member(document, "usage"))
            raise self.refused(document.get("error") or document)
        match document:
            case {"response": dict(response)}:
                self._take_response(response, chunks)
            case {"output": list()}:
                # Not streamed.
                self._take_response(document, chunks)
            case {"item": dict(item)}:
                index = _index(document, item, "id")
                self._take_item(index, item, chunks, is_whole=kind.endswith(".done"))
            case {"delta": str(text)}:
                self._take_piece(kind.removeprefix("response.").removesuffix(".delta"), document, text, chunks)
            case {"type": "response.function_call_arguments.done", "arguments": str(text)}:
                if _index(document, document, "item_id") not in self._told:
                    self._take_piece("function_call_arguments", document, text, chunks)
            case _ if not kind and not document.keys().isdisjoint(_SAYS_WHY_NOT):
                raise self.refused(document)

    def _take_response(self, response: Mapping[str, Any], chunks: list[Chunk]) -> None:
        """What is known of it at its beginning and at its end, or all of it."""
        self.has_begun = True
        self._response = response
        self.model = name_in(response, "model") or self.model
        self.request_id = self.request_id or name_in(response, "id")
        self._take_usage(_member(response, "usage"))
        status = name_in(response, "status")
        if (error := response.get("error")) or status == "failed":
            raise self.refused(error or "it failed, and does not say why")
        if status in _ENDS:
            self._take_output(response.get("output"), chunks)
            self.finish_reason = name_in(_member(response, "incomplete_details"), "reason") or status
            self.done = True

    def _take_output(self, output: Any, chunks: list[Chunk]) -> None:
        for index, item in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item, dict):
                self._take_item(index, item, chunks, is_whole=True)

    def _take_item(self, index: Any, item: Mapping[str, Any], chunks: list[Chunk], *, is_whole: bool) -> None:
        self.has_begun = True
        # Some servers give all items the same empty id.
        names = {index, name_in(item, "id")} - {None}
        if names & self._whole:
            return
        is_told = bool(names & self._told)
        if is_whole:
            self._whole |= names
        if item.get("type") == "function_call":
            self._take_call(index, item, is_told, chunks)
        elif is_whole and not is_told:
            for place, (kind, text) in enumerate(_texts(item)):
                self._take_text(kind, (index, place), text, chunks)
        if is_whole:
            self._keep_beside(item)
        if is_whole and item.get("encrypted_content"):
            self.sign({name: value for name, value in item.items() if value is not None and name != "status"})

    def _keep_beside(self, item: Mapping[str, Any]) -> None:
        """What the server's own tools have done, and notes on the text."""
        if name_in(item, "type") not in _READ:
            self.beside.add_to("output", item)
        elif item.get("type") == "message":
            content = item.get("content")
            for part in content if isinstance(content, list) else ():
                if isinstance(part, dict):
                    self.beside.add(part, _NAMED_IN_PART)

    def _take_call(self, index: Any, item: Mapping[str, Any], is_told: bool, chunks: list[Chunk]) -> None:
        function = {"arguments": "" if is_told else item.get("arguments")}
        call: dict[str, Any] = {"index": index, "function": function}
        if function["arguments"]:
            self._told.add(index)
        if index not in self._calls_begun:
            self._calls_begun.add(index)
            call["id"] = item.get("call_id") or item.get("id")
            function["name"] = item.get("name")
        self.call([call], chunks)

    def _take_piece(self, kind: str, event: Mapping[str, Any], text: str, chunks: list[Chunk]) -> None:
        index = _index(event, event, "item_id")
        self._told.add(index)
        self._take_text(kind, (index, event.get("summary_index"), event.get("content_index")), text, chunks)

    def _take_text(self, kind: str, place: tuple[Any, ...], text: str, chunks: list[Chunk]) -> None:
        match kind:
            case "output_text" | "text":
                self.say(text, chunks)
            case "refusal":
                self.declined = True
                self.add("", text, chunks)
            case "reasoning_text" | "reasoning_summary_text" | "summary_text":
                if place != self._thought:
                    self.next_thought(chunks)
                self._thought = place
                self.add(text, "", chunks)
            case "function_call_arguments":
                self.call([{"index": place[0], "function": {"arguments": text}}], chunks)

    def _take_usage(self, usage: Mapping[str, Any]) -> None:
        if usage:
            self.reported = usage
            self.usage = {
                "prompt_tokens": usage.get("input_tokens"),
                "completion_tokens": usage.get("output_tokens"),
                "prompt_tokens_details": usage.get("input_tokens_details"),
                "completion_tokens_details": usage.get("output_tokens_details"),
                "cost": usage.get("cost"),
            }


def _index(event: Mapping[str, Any], item: Mapping[str, Any], id_field: str) -> int | str | None:
    """Which item it is about. Some servers do not number them, others give an item a new id each time."""
    index = place_in(event, "output_index")
    return place_in(item, id_field) if index is None else index


def _texts(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parts of a message, or of reasoning: all of it where it is told, else its summary."""
    parts = item.get("content") or item.get("summary")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            text = part.get("refusal") if part.get("type") == "refusal" else part.get("text")
            yield str(part.get("type")), text if isinstance(text, str) else ""


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}
