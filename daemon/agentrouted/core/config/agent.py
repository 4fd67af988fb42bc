"""The agents of the configuration file, and their limits."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, ValidationInfo, field_validator, model_validator

from agentrouted.core.config.section import Count, Dollars, NaturalNumber, Seconds, Section, Text, refuse
from agentrouted.core.endpoint import Boundary
from agentrouted_protocol.runs import History, RunMemory, Sampling, SlidingWindow, Summarize, Truncate
from agentrouted_protocol.scope import Scope


class AgentSampling(Sampling):
    """How the model picks its words. What is left out is the provider's default."""

    model_config = ConfigDict(populate_by_name=False, validate_by_alias=False, validate_by_name=True)


class AgentHistory(Section):
    """How a conversation that has grown long is made to fit."""

    strategy: Literal["sliding_window", "truncate", "summarize"]
    """`sliding_window`: the last turns of the user. `truncate`: as many of the last turns as fit. `summarize`: older
    turns are replaced by a summary."""

    window_size: Count | None = None
    """Of `sliding_window`: user turns kept, with their replies; 20 if left out."""

    max_tokens: Count | None = None
    """Of `truncate`; 100000 if left out."""

    model: Text | None = None
    """Of `summarize`: the model that writes the summary."""

    keep_recent: NaturalNumber | None = None
    """Of `summarize`: user turns that stay as they are; 4 if left out."""

    @field_validator("window_size", "max_tokens", "model", "keep_recent")
    @classmethod
    def _belongs(cls, value: Any, info: ValidationInfo) -> Any:
        strategy = info.data.get("strategy")
        if value is not None and strategy and info.field_name not in _BELONGS[strategy]:
            raise refuse(f"does not belong to `{strategy}`", "leave it out")
        return value

    @model_validator(mode="after")
    def _has_a_writer(self) -> Self:
        if self.strategy == "summarize" and self.model is None:
            raise refuse("has no `model`", "name the one that writes the summary")
        return self

    @property
    def value(self) -> History:
        """As a run takes it."""
        said = self.model_dump(exclude_none=True, exclude={"strategy"})
        match self.strategy:
            case "sliding_window":
                return SlidingWindow(strategy="slidingWindow", **said)
            case "truncate":
                return Truncate(strategy="truncate", **said)
            case "summarize":
                return Summarize(strategy="summarize", **said)


_BELONGS = {"sliding_window": {"window_size"}, "truncate": {"max_tokens"}, "summarize": {"model", "keep_recent"}}


class AgentScope(Section):
    """Whose memory it is: what is not named is not seen."""

    workspace: Text | None = None
    """A folder, or a name of yours."""

    user: Text | None = None
    """Whom it is about."""

    agent: Text | None = None
    """Which agent it belongs to."""

    session: Text | None = None
    """Which conversation it belongs to."""

    @property
    def value(self) -> Scope:
        return Scope(**dict(self))


class AgentMemory(Section):
    """What the agent may read from memory and write to it. Both are off unless asked for."""

    scope: AgentScope = AgentScope()
    """Whose memory it is."""

    recall: Literal["auto", "tool", "off"] = "off"
    """`auto`: what fits is put before the prompt. `tool`: the model may look it up."""

    remember: Literal["tool", "off"] = "off"
    """`tool`: the model may keep facts."""

    @property
    def value(self) -> RunMemory:
        """As a run takes it."""
        return RunMemory(scope=self.scope.value, recall=self.recall, remember=self.remember)


class Caps(Section):
    """Limits of a run. Of the run's own, its agent's and the daemon's, the strictest holds."""

    max_turns: Count | None = None
    """Model calls at most; 10 if left out."""

    max_cost: Dollars | None = None
    """US dollars for a whole run."""

    max_tokens: Count | None = None
    """Output tokens of one model call."""

    max_input_tokens: Count | None = None
    """Of all model calls of a run together."""

    max_output_tokens: Count | None = None
    """Of all model calls of a run together."""

    timeout: Seconds | None = None
    """Seconds for a whole run."""

    idle_timeout: Seconds | None = None
    """Seconds without a sign of the model."""


class RunLimits(Caps):
    """What no run may go beyond, whatever it or its agent says."""

    boundary: Boundary | None = None
    """`local`: nothing leaves this machine. `free`: nothing is called that costs money."""

    unknown_price: Literal["refuse", "allow"] = "refuse"
    """A run with a `max_cost` at a model elsewhere whose price is not known: `allow` counts what the provider reports,
    when it does."""


class Agent(Caps):
    """An agent that can be run by its name. What a run says itself wins over what stands here, limits apart: there the
    strictest holds."""

    description: str | None = None
    """For people who choose among agents."""

    model: Text | None = None
    """A model string, or a name under `models`."""

    instructions: str | None = None
    """Said to the model before the conversation."""

    agents: tuple[Text, ...] = ()
    """Other agents of this file that it may call as tools."""

    mcp_servers: tuple[Text, ...] = ()
    """Names under `mcp_servers`: it has their tools."""

    output: dict[str, Any] | None = None
    """JSON Schema of the answer."""

    history: AgentHistory | None = None
    """How a conversation that has grown long is made to fit."""

    memory: AgentMemory | None = None
    """What it may read from memory and write to it."""

    retries: NaturalNumber | None = None
    """How often the model may mend a refused answer or tool call; 1 if left out."""

    boundary: Boundary | None = None
    """`local`: nothing of its runs leaves this machine. `free`: nothing is called that costs money."""

    sampling: AgentSampling = AgentSampling()
    """How the model picks its words."""
