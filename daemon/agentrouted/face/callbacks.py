"""What the core calls in the program, in the course of a run."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, ParamSpec, TypeVar

from agentrouted.core.agent.inside import Inside
from agentrouted.core.agent.state import RunState
from agentrouted.core.agent.tools.base import ToolRetry
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.usage import bill
from agentrouted.core.wire.base import Chunk, ModelRequest
from agentrouted.face.bill import take
from agentrouted.face.caller import Caller
from agentrouted.face.context import Context
from agentrouted.face.conversion import from_core, to_core, to_dicts
from agentrouted.face.errors import Retry
from agentrouted.face.history import HistorySummarize
from agentrouted.face.message import Message as FaceMessage
from agentrouted.face.model_calls import as_chunks, from_request, to_reply
from agentrouted.face.model_stream import read_stream
from agentrouted.face.output_type import OutputType
from agentrouted.face.params import core_history, model_id_of
from agentrouted.face.routed_model import RoutedModel
from agentrouted.face.settings import AgentSettings
from agentrouted.face.toolkit import Toolkit
from agentrouted_protocol.messages import Message

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class FaultOfTheProgram(AgentroutedError):
    """Something the user has written has raised `error`, which is not for the model: it ends the run as it is."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error = error


class Callbacks:
    """The program's own model, history and validators, in the core's hands; each is called where the run began."""

    def __init__(
        self,
        agent: AgentSettings,
        output: OutputType | None,
        caller: Caller,
        context: Context,
        opening: list[dict[str, Any]],
        *,
        streams: bool,
    ) -> None:
        self._agent = agent
        self._output = output
        self._caller = caller
        self._context = context
        self._opening = opening
        self._streams = streams
        self._state = RunState()
        self.hints: list[str] = []
        """What validators had to say."""

    def inside(self) -> Inside:
        agent = self._agent
        has_own_history = agent.history is not None and core_history(agent.history) is None
        has_own_model = not isinstance(agent.model, str | RoutedModel)
        return Inside(
            tools=Toolkit(self._caller, self._context).of(list(agent.tools_map.values())),
            check_output=self._check if self._output or agent.output_validators else None,
            compact=self._compact if has_own_history else None,
            speak=self._speak if has_own_model else None,
            watch=self._watch,
        )

    def _watch(self, state: RunState) -> None:
        """Bring the context up to date."""
        self._state = state
        context = self._context
        context.step, context.retry = state.turn, state.retries
        take(context.usage, state.usage)
        # Calls that have no result yet are left out.
        whole = state.messages if state.open_reply is None else state.messages[:-1]
        context.messages = [*self._opening, *to_dicts(whole)]

    async def _check(self, value: Any, _: RunState) -> Any:
        answer = self._output.check(value) if self._output else value
        try:
            for validator in self._agent.output_validators:
                changed = await self._call(validator, self._context, answer)
                answer = answer if changed is None else changed
        except Retry as retry:
            self.hints.append(retry.message)
            raise ToolRetry(retry.message) from retry
        return answer

    async def _compact(self, messages: Sequence[Message]) -> Sequence[Message]:
        history = self._agent.history
        assert history is not None
        if type(history) is HistorySummarize and history.model is not None:
            return await history.strategy.compact(messages, self._ask_for_summary)
        converted = [from_core(message) for message in messages]
        given = {id(face): core for face, core in zip(converted, messages, strict=True)}
        kept: list[FaceMessage] = await self._call(history.compact, converted)
        return [given.get(id(face)) or to_core(face) for face in kept]

    async def _ask_for_summary(self, _: str, messages: Sequence[Message]) -> str:
        assert isinstance(self._agent.history, HistorySummarize) and self._agent.history.model is not None
        reply = to_reply(await self._call(self._agent.history.model.complete, self._agent.history.request(messages)))
        self._state.usage = bill.add(self._state.usage, reply.usage)
        return reply.text

    async def _speak(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        model: Any = self._agent.model
        asked = from_request(request, model_id_of(model))
        has_come = False
        if self._streams and hasattr(model, "complete_stream"):
            async with aclosing(read_stream(self._call, model, asked)) as batches:
                async for batch in batches:
                    has_come = True
                    yield batch
        if not has_come:
            yield as_chunks(to_reply(await self._call(model.complete, asked)))

    async def _call(
        self,
        function: Callable[_Parameters, _Result | Awaitable[_Result]],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        try:
            return await self._caller.call(function, *args, **kwargs)
        except (AgentroutedError, Retry):
            raise
        except Exception as error:
            raise FaultOfTheProgram(error) from error
