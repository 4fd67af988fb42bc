"""An agent: a model, what it is told, and what it can do."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, overload

from agentrouted.face.message import Message
from agentrouted.face.output_type import OutputType, output_type
from agentrouted.face.params import run_params
from agentrouted.face.result import Result
from agentrouted.face.run import Asked, Run
from agentrouted.face.settings import LIMITS, AgentSettings
from agentrouted.face.stream import RunStream
from agentrouted.face.tools import NeedsApproval, Tool, make_tool
from agentrouted_protocol.runs import Effect

_Validator = TypeVar("_Validator", bound=Callable[..., Any])


@dataclass(eq=False, repr=False)
class Agent(AgentSettings):
    """A model, what it is told, and what it can do.

        agent = Agent("weather", model="ollama/llama3", instructions="Be brief.")

        @agent.tool
        def temperature(city: str) -> float:
            \"\"\"The temperature in a city, in degrees Celsius.\"\"\"

        print(agent.run("Is it warm in Zurich?"))

    What it is made of can be given to a single run, too, by the same names. Any number of runs may go on at once, in
    any threads and event loops.
    """

    def __post_init__(self) -> None:
        given, self.tools = self.tools, ()
        for each in given:
            self._register(each if isinstance(each, Tool) else make_tool(each))
        is_text = self.output is None or self.output_mode == "text"
        self._output: OutputType | None = None if is_text else output_type(self.output)
        # What cannot be meant is told here, and not when the agent runs for the first time.
        run_params(self, self._output, "", (), stream=False)

    def __repr__(self) -> str:
        return f"Agent({self.name!r}, model={self.model!r})"

    def run(
        self,
        prompt: str,
        *,
        deps: Any = None,
        session_id: str | None = None,
        messages: Sequence[Message | Mapping[str, Any]] = (),
        **options: Any,
    ) -> Result:
        """As `arun`, for programs without an event loop. Raises RuntimeError inside a running one."""
        if _is_in_loop():
            raise RuntimeError("Agent.run cannot be called from a running event loop: use `await agent.arun(...)`")
        return asyncio.run(self.arun(prompt, deps=deps, session_id=session_id, messages=messages, **options))

    async def arun(
        self,
        prompt: str,
        *,
        deps: Any = None,
        session_id: str | None = None,
        messages: Sequence[Message | Mapping[str, Any]] = (),
        **options: Any,
    ) -> Result:
        """Run to the end. `deps` is for the tools, in their `Context`; `messages` is a conversation to go on with, such
        as another result's; `session_id` keeps conversations in one memory apart; `options` are the agent's own.

        Raises `ErrorAgent`. Cancelling the task that awaits this ends the run at once.
        """
        agent = self._with(options)
        return await Run(agent, agent._output, Asked(prompt, deps, session_id, messages)).to_end()

    def stream(
        self,
        prompt: str,
        *,
        deps: Any = None,
        session_id: str | None = None,
        messages: Sequence[Message | Mapping[str, Any]] = (),
        **options: Any,
    ) -> RunStream:
        """As `arun`, but what happens comes as it happens.

        stream = agent.stream("Hi")
        async for event in stream:
            if event.kind == "text_delta":
                print(event.text, end="")
        print(stream.result.usage)
        """
        agent, asked = self._with(options), Asked(prompt, deps, session_id, messages)
        return RunStream(lambda heard: Run(agent, agent._output, asked, heard))

    @overload
    def tool(self, fn: Callable[..., Any], /) -> Tool: ...
    @overload
    def tool(
        self,
        /,
        *,
        name: str | None = ...,
        description: str | None = ...,
        needs_approval: NeedsApproval = ...,
        timeout: float | None = ...,
        effect: Effect = ...,
    ) -> Callable[[Callable[..., Any]], Tool]: ...
    def tool(
        self, fn: Callable[..., Any] | None = None, /, **options: Any
    ) -> Tool | Callable[[Callable[..., Any]], Tool]:
        """Make a function a tool of this agent; as `@tool`."""
        if fn is not None:
            return self._register(make_tool(fn, **options))
        return lambda function: self._register(make_tool(function, **options))

    def output_validator(self, fn: _Validator) -> _Validator:
        """Have `fn(context, output)` look at each answer, and return it, or another in its place.

        It may raise `Retry("what to do better")`.
        """
        self.output_validators.append(fn)
        return fn

    def _register(self, tool: Tool) -> Tool:
        if tool.name in self.tools_map:
            raise ValueError(f"Tool '{tool.name}' already registered on agent '{self.name}'")
        self.tools = (*self.tools, tool)
        return tool

    def _with(self, options: Mapping[str, Any]) -> "Agent":
        """As this run wants it; of limits, the stricter of the agent's and the run's holds."""
        if not options:
            return self
        limits = {name: self._stricter(name, options[name]) for name in LIMITS if options.get(name) is not None}
        return replace(self, **{**options, **limits})

    def _stricter(self, name: str, wanted: float) -> float:
        own = getattr(self, name)
        # A default is no word of anybody's.
        return wanted if own is None or own == getattr(AgentSettings, name) else min(own, wanted)


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
