"""What a run is going to be, decided at its start."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from agentrouted.core.agent.limits import Limits, strictest
from agentrouted.core.config.agent import Agent
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Boundary, stricter
from agentrouted.core.errors import InvalidParams, NotFound
from agentrouted.core.memory.names import refuse_secrets
from agentrouted.core.output.wanted import Wanted
from agentrouted.core.routing.resolve import Resolution, resolve
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import History, RunAgentParams, RunMemory, Sampling, Tool

DEFAULT_RETRIES: Final = 1

# After what the user and their programs say: a model is to know that it does not come from them.
_OF_A_FOLDER: Final = "The file .agentroute.yaml of the folder that is worked in says:\n\n{}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run needs to know, decided at its start: a reload does not change it."""

    agent: str | None
    model: str
    snapshot: Snapshot
    resolution: Resolution
    instructions: Message | None
    given: tuple[Message, ...]
    """The conversation so far, as the caller has it."""

    prompt: Message | None
    client_tools: tuple[Tool, ...]
    mcp_servers: tuple[str, ...]
    agents: tuple[str, ...]
    """Agents of the config that are tools of this run."""

    wanted: Wanted | None
    """The structured answer that is asked for."""

    history: History | None
    sampling: Sampling
    limits: Limits
    retries: int
    stream: bool
    session_id: str | None
    memory: RunMemory | None
    boundary: Boundary | None

    @property
    def opening(self) -> tuple[Message, ...]:
        """What is sent before anything this run adds, where no session and no memory have more to say."""
        return (self.instructions, *self.given) if self.instructions else self.given

    @property
    def leaves(self) -> bool:
        """Whether what its model is told may leave this machine: by it, an agent that it calls, or whoever goes on."""
        return self.boundary != "local"


def plan_run(
    snapshot: Snapshot, params: RunAgentParams, *, asks_client: bool = False, folders: Sequence[str] = ()
) -> Plan:
    """Merge what the caller says over what the agent of the config says.

    `asks_client` says that the client gives keys that are kept nowhere else; `folders` are those it works in.

    Raises `InvalidParams`, `NotFound` for an unknown agent, `ModelUnresolved`.
    """
    agent = _agent(snapshot, params.agent) if params.agent is not None else Agent()
    model = params.model or agent.model
    if model is None:
        raise InvalidParams("there is no `model`", hint="name a `model`, or an `agent` of the config that has one")
    if params.prompt is None and not params.messages:
        raise InvalidParams("there is nothing to say", hint="send a `prompt`, or `messages`")
    if params.session_id == "":
        raise InvalidParams("`sessionId` is empty", hint="name the session, or leave out `sessionId`")
    memory = params.memory or (agent.memory.value if agent.memory else None)
    # What the run has said could not be kept when it has ended.
    refuse_secrets(memory.scope if memory else None, params.session_id)
    said = params.instructions if params.instructions is not None else agent.instructions
    instructions = "\n\n".join(filter(None, (said, *map(_OF_A_FOLDER.format, snapshot.instructions))))
    resolution = resolve(snapshot, model, api_key=params.api_key, base_url=params.base_url, asks_client=asks_client)
    return Plan(
        agent=params.agent,
        model=model,
        snapshot=snapshot,
        resolution=resolution,
        instructions=Message(role="system", content=instructions) if instructions else None,
        given=tuple(params.messages or ()),
        prompt=Message(role="user", content=params.prompt) if params.prompt is not None else None,
        client_tools=tuple(params.tools),
        mcp_servers=tuple(agent.mcp_servers if params.mcp_servers is None else params.mcp_servers),
        agents=_known(snapshot, agent.agents if params.agents is None else params.agents),
        wanted=_wanted(params, agent),
        history=params.history or (agent.history.value if agent.history else None),
        sampling=_sampling(agent.sampling, params.sampling),
        limits=strictest(params, agent, snapshot.config.daemon.limits),
        retries=_first(params.retries, agent.retries, DEFAULT_RETRIES),
        stream=params.stream,
        session_id=params.session_id,
        memory=memory,
        boundary=stricter(params.boundary, agent.boundary, resolution.boundary, snapshot.config.boundary_in(folders)),
    )


def _agent(snapshot: Snapshot, name: str) -> Agent:
    agents = snapshot.config.agents
    if name not in agents:
        near = get_close_matches(name, agents, n=1)
        unread = f"{snapshot.unread_file} has an error: what it names is not known" if snapshot.unread_file else None
        hint = f"did you mean `{near[0]}`?" if near else unread or "`agent/list` names those it has"
        raise NotFound(f"the config has no agent `{name[:100]}`", hint=hint)
    return agents[name]


def _known(snapshot: Snapshot, names: Iterable[str]) -> tuple[str, ...]:
    for name in names:
        _agent(snapshot, name)
    return tuple(names)


def _wanted(params: RunAgentParams, agent: Agent) -> Wanted | None:
    schema = params.output if params.output is not None else agent.output
    if schema is None or params.output_mode == "text":
        return None
    title = schema.get("title")
    wanted = Wanted(schema=schema, name=title if isinstance(title, str) else "answer", mode=params.output_mode)
    wanted.fit  # noqa: B018 - a schema that is wrong is told before anything is paid for
    return wanted


def _sampling(agent: Sampling, params: Sampling | None) -> Sampling:
    return agent if params is None else agent.model_copy(update=params.model_dump(exclude_none=True))


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)
