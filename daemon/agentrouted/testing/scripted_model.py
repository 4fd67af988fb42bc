"""A model that says what it is told, inside your program."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from agentrouted.face.llm import LLMChunk, LLMRequest, LLMResponse

Calls = Sequence[tuple[str, Mapping[str, Any]]]
"""Tools that are asked for in one turn, with their arguments."""

Reply = str | Calls | LLMResponse | Exception
Scripted = Reply | Callable[[LLMRequest], Reply]

USAGE: Mapping[str, Any] = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class ScriptedModel:
    """Takes the place of a model in tests: no server, no network, nothing is paid.

        model = ScriptedModel([[("add", {"a": 1, "b": 2})], "It is 3."])
        result = Agent("calculator", model=model, tools=[add]).run("What is 1 + 2?")
        assert model.requests[1].messages[-1].content == "3"

    Each call takes the next reply of the script: text, tool calls, a whole `LLMResponse`, an exception to raise, or a
    function of the request that returns one of these. The last one answers all calls that follow.
    """

    def __init__(self, script: Sequence[Scripted] = ("Hello world",), *, model_id: str = "scripted") -> None:
        self.model_id = model_id
        self.requests: list[LLMRequest] = []
        self._script = list(script)
        self._calls = 0

    async def complete(self, request: LLMRequest) -> LLMResponse:
        self.requests.append(request)
        scripted = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        reply = scripted(request) if callable(scripted) else scripted
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, str):
            return LLMResponse(reply, usage=dict(USAGE), model=self.model_id)
        return reply if isinstance(reply, LLMResponse) else self._asking(reply)

    async def complete_stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        response = await self.complete(request)
        yield LLMChunk(delta=response.content)
        for call in response.tool_calls:
            yield LLMChunk(tool_call_delta=call)
        yield LLMChunk(done=True, usage=response.usage)

    async def close(self) -> None:
        """Nothing to do."""

    def _asking(self, calls: Calls) -> LLMResponse:
        asked = [self._call(name, arguments) for name, arguments in calls]
        return LLMResponse(None, asked, dict(USAGE), self.model_id)

    def _call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._calls += 1
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {"id": f"call_{self._calls}", "type": "function", "function": function}
