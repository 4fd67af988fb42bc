"""One run of an agent, from the program's side."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from agentrouted.core.errors import AgentroutedError, OutputInvalid
from agentrouted.face.background import Core, Job, background
from agentrouted.face.bill import take
from agentrouted.face.callbacks import Callbacks, FaultOfTheProgram
from agentrouted.face.caller import Caller
from agentrouted.face.channel import Channel
from agentrouted.face.context import Context
from agentrouted.face.conversion import from_core, to_core
from agentrouted.face.failures import face_error
from agentrouted.face.host import PythonHost
from agentrouted.face.message import Message
from agentrouted.face.output_type import OutputType
from agentrouted.face.params import run_params
from agentrouted.face.result import Event, Result
from agentrouted.face.settings import AgentSettings
from agentrouted.face.this_program import this_program
from agentrouted_protocol.runs import RunAgentParams, RunResult

_INTERRUPTED = "[interrupted]"


@dataclass(frozen=True)
class Asked:
    """What one run is asked, beside what its agent is."""

    prompt: str
    deps: Any
    session_id: str | None
    messages: Sequence[Message | Mapping[str, Any]]


class Run:
    """Make it on the event loop that is to await it: there, all that the user has written is called."""

    def __init__(
        self, agent: AgentSettings, output: OutputType | None, asked: Asked, heard: Channel[Event] | None = None
    ) -> None:
        if agent.model is None:
            raise ValueError(
                f"Agent '{agent.name}' has no model set. Pass model='claude-sonnet-4' or a Model instance."
            )
        self._agent = agent
        self._output = output
        self._asked = asked
        self._heard = heard
        self._caller = Caller()
        self._context = Context(deps=asked.deps, session_id=asked.session_id, memory=agent.memory)
        self._job: Job[RunResult] | None = None

    async def to_end(self) -> Result:
        """Whoever is cancelled waiting ends the run, and is released when it has ended and is stored."""
        before = await self._before()
        opening = [message.to_dict() for message in (*self._instructions(), *before)]
        streams = self._heard is not None
        callbacks = Callbacks(self._agent, self._output, self._caller, self._context, opening, streams=streams)
        params = run_params(self._agent, self._output, self._asked.prompt, list(map(to_core, before)), stream=streams)
        job = self._job = background().start(lambda core: self._work(core, params, callbacks))
        try:
            result = await job.result()
        except asyncio.CancelledError:
            job.cancel()
            with suppress(AgentroutedError):  # it had failed just now: nothing is stored
                await self._store(await job.result())
            raise
        except FaultOfTheProgram as fault:
            raise fault.error from None
        except AgentroutedError as error:
            raise face_error(error, self._text(error, callbacks.hints)) from error
        await self._store(result)
        return self._result(result, opening)

    def cancel(self) -> None:
        """End it now: what it has done until then is its result."""
        if self._job is not None:
            self._job.cancel()

    async def _work(self, core: Core, params: RunAgentParams, callbacks: Callbacks) -> RunResult:
        host = PythonHost(self._caller, self._context, self._agent.approve, self._heard)
        run = core.runs.start(params, host, callbacks.inside(), caller=this_program())
        try:
            return await run.result()
        except asyncio.CancelledError:
            run.cancel()
            return await run.result()

    async def _before(self) -> list[Message]:
        """The conversation that this run goes on with."""
        memory = self._agent.memory
        remembered = await memory.get_messages(**self._session()) if memory is not None else []
        given = [each if isinstance(each, Message) else Message.from_dict(each) for each in self._asked.messages]
        # Another result's messages begin with the instructions of then.
        said = given[1:] if given and given[0].role == "system" and self._agent.instructions else given
        return [*remembered, *said]

    async def _store(self, result: RunResult) -> None:
        if self._agent.memory is None:
            return
        messages = [from_core(message) for message in result.messages]
        await self._agent.memory.add_messages(_marked(messages) if result.interrupted else messages, **self._session())

    def _session(self) -> dict[str, Any]:
        return {} if self._asked.session_id is None else {"session_id": self._asked.session_id}

    def _instructions(self) -> list[Message]:
        return [Message("system", self._agent.instructions)] if self._agent.instructions else []

    def _result(self, result: RunResult, opening: list[dict[str, Any]]) -> Result:
        take(self._context.usage, result.usage)
        return Result(
            output=result.output,
            usage=self._context.usage,
            messages=[*opening, *(from_core(message).to_dict() for message in result.messages)],
            interrupted=result.interrupted,
            text=result.text,
            stop_reason=result.stop_reason,
            run_id=result.run_id,
            session_id=self._asked.session_id,
            model=f"{result.route.provider}/{result.route.model_id}" if result.route else None,
            raw=result.raw or {},
            warnings=result.warnings or [],
        )

    def _text(self, error: AgentroutedError, hints: Sequence[str]) -> str | None:
        """Tells an answer that was not of the wanted type from one that the validators did not take."""
        problems = (error.details or {}).get("errors", [])
        if self._output is None or not isinstance(error, OutputInvalid) or (hints and hints[-1] in problems):
            return None
        return f"Structured output failed validation after {self._agent.retries} retries: {'; '.join(problems)}"


def _marked(messages: list[Message]) -> list[Message]:
    """The end of a run that was cancelled says so, to the model too."""
    last = messages[-1] if messages else None
    if last is not None and last.role == "assistant" and isinstance(last.content, str):
        return [*messages[:-1], replace(last, content=f"{last.content}\n{_INTERRUPTED}")]
    return [*messages, Message("assistant", _INTERRUPTED)]
