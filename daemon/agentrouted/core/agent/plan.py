"""What a run is going to be, decided at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from agentrouted.core.config.agent import Agent
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import InvalidParams, NotFound
from agentrouted.core.routing.resolve import Resolution, resolve
from agentrouted.core.wire.base import ToolSpec
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import RunAgentParams, Sampling, Tool

DEFAULT_MAX_TURNS: Final = 10

# Fields of the contract that this version refuses rather than ignores, and the only value it takes for each.
_NOT_SERVED: Final[Mapping[str, Any]] = {
    "mcp_servers": None,
    "output": None,
    "output_mode": "auto",
    "max_cost": None,
    "retries": None,
    "session_id": None,
    "memory": None,
    "boundary": None,
    "history": None,
    "detach": False,
    "on_disconnect": "cancel",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run needs to know, decided at its start: a reload does not change it."""

    agent: str | None
    model: str
    resolution: Resolution
    opening: tuple[Message, ...]
    """What is sent before anything this run adds: instructions and the conversation so far."""

    prompt: Message | None
    tools: Mapping[str, Tool]
    sampling: Sampling
    stream: bool
    max_turns: int
    max_tokens: int | None
    timeout: float | None
    idle_timeout: float | None

    @property
    def tool_specs(self) -> tuple[ToolSpec, ...]:
        return tuple(ToolSpec(tool.name, tool.description, tool.input_schema) for tool in self.tools.values())


def plan_run(snapshot: Snapshot, params: RunAgentParams) -> Plan:
    """Merge what the caller says over what the agent of the config says.

    Raises `InvalidParams`, `NotFound` for an unknown agent, `ModelUnresolved`.
    """
    _refuse_not_served(params)
    agent = _agent(snapshot, params.agent)
    model = params.model or agent.model
    if model is None:
        raise InvalidParams("there is no `model`", hint="name a `model`, or an `agent` of the config that has one")
    if params.prompt is None and not params.messages:
        raise InvalidParams("there is nothing to say", hint="send a `prompt`, or `messages`")
    instructions = params.instructions if params.instructions is not None else agent.instructions
    system = (Message(role="system", content=instructions),) if instructions else ()
    return Plan(
        agent=params.agent,
        model=model,
        resolution=resolve(snapshot, model, api_key=params.api_key, base_url=params.base_url),
        opening=(*system, *(params.messages or ())),
        prompt=Message(role="user", content=params.prompt) if params.prompt is not None else None,
        tools=_tools(params.tools),
        sampling=_sampling(agent.sampling, params.sampling),
        stream=params.stream,
        max_turns=params.max_turns or agent.max_turns or DEFAULT_MAX_TURNS,
        max_tokens=params.max_tokens or agent.max_tokens,
        timeout=params.timeout or agent.timeout,
        idle_timeout=params.idle_timeout or agent.idle_timeout,
    )


def _refuse_not_served(params: RunAgentParams) -> None:
    for name, only in _NOT_SERVED.items():
        if getattr(params, name) != only:
            wire_name = RunAgentParams.model_fields[name].alias or name
            raise InvalidParams(f"`{wire_name}` is not supported by this version", hint=f"leave out `{wire_name}`")


def _agent(snapshot: Snapshot, name: str | None) -> Agent:
    if name is None:
        return Agent()
    agents = snapshot.config.agents
    if name not in agents:
        near = get_close_matches(name, agents, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "`agent/list` names those it has"
        raise NotFound(f"the config has no agent `{name[:100]}`", hint=hint)
    return agents[name]


def _tools(tools: list[Tool]) -> dict[str, Tool]:
    by_name = {tool.name: tool for tool in tools}
    if len(by_name) < len(tools):
        raise InvalidParams("two tools have the same name", hint="give each tool a name of its own")
    return by_name


def _sampling(agent: Sampling, params: Sampling | None) -> Sampling:
    return agent if params is None else agent.model_copy(update=params.model_dump(exclude_none=True))
