"""The configuration file as models: every key, its meaning."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from agentrouted.core.config.agent import Agent, RunLimits
from agentrouted.core.config.budget import Budget
from agentrouted.core.config.journal import JournalSettings
from agentrouted.core.config.ledger import LedgerSettings
from agentrouted.core.config.mcp_server import McpServer, McpServerName
from agentrouted.core.config.memory import MemorySettings
from agentrouted.core.config.provider import Provider
from agentrouted.core.config.section import Count, SecondsOrNever, Section, Text, WebAddress, refuse
from agentrouted.core.config.virtual_model import Chain
from agentrouted.core.config.workspace import Workspace, boundary_in
from agentrouted.core.endpoint import Boundary, stricter
from agentrouted.core.secrets import name_without_keys


class Embedded(Section):
    """The embedded engine, which runs `local/…` models. A model that is running goes on as it was started."""

    sleep_idle_seconds: SecondsOrNever = 300
    """Unused for so long, a model gives its memory back and is loaded again when it is asked for; 0 is never."""

    threads: Count | None = None
    """Half of the cores if left out."""

    context_window: Count | None = None
    """Tokens of prompt and reply together; 8192 if left out. A model made for fewer keeps to those."""

    chat_templates: dict[Text, Text] = Field(default_factory=dict)
    """Files with Jinja in place of a model's own chat template, by the name that `agentrouted models` shows after
    `local/`. A relative path begins at the folder of the config."""


class Daemon(Section):
    """The daemon itself."""

    idle_timeout: SecondsOrNever = 900
    """Seconds without a connection and without a run until a shared daemon stops; 0 is never."""

    limits: RunLimits = RunLimits()
    """What no run may go beyond, whatever it or its agent says."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What the log is to hold at least."""

    embedded: Embedded = Embedded()
    """The embedded engine."""

    journal: JournalSettings = JournalSettings()
    """What runs have done, kept on disk."""

    ledger: LedgerSettings = LedgerSettings()
    """What model calls have used and cost."""


def _name(value: str) -> str:
    if not value or value != value.strip():
        raise refuse("is not a name: it is empty, or has blanks around it")
    return value


def _provider_name(value: str) -> str:
    if name_without_keys(value) != value:
        raise refuse("looks like a key: a provider's name has to stand here", "write the key under `api_key`")
    if "/" in value or any(map(str.isspace, value)):
        raise refuse("is not a provider's name: it has a `/` or a blank", "`<name>/<model>` has to lead to it")
    return _name(value)


def _model_name(value: str) -> str:
    if value.count("*") > 1:
        raise refuse("is not a pattern: it may have one `*`", "such as `claude-*` or `*-mini`")
    return _name(value)


Files = Annotated[
    tuple[Text, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str | list[str]),
]


class Config(Section):
    """The configuration file."""

    providers: dict[Annotated[str, AfterValidator(_provider_name)], Provider] = Field(default_factory=dict)
    """Servers of models, by name: `<name>/<model>` goes there."""

    models: dict[Annotated[str, AfterValidator(_model_name)], Chain] = Field(default_factory=dict)
    """Names of your own. A name with a `*` is a pattern, such as `claude-*` or `*-mini`: it takes what fits it and no
    other rule. Of several, the longest counts."""

    agents: dict[Annotated[str, AfterValidator(_name)], Agent] = Field(default_factory=dict)
    """Agents, by name."""

    workspaces: dict[Text, Workspace] = Field(default_factory=dict)
    """Folders, by whole path; `*` stands for anything. What holds there, holds for every client that works there."""

    budgets: dict[Annotated[str, AfterValidator(_name)], Budget] = Field(default_factory=dict)
    """What may be spent, by name: each model call is refused that may go beyond any budget that counts it."""

    mcp_servers: dict[McpServerName, McpServer] = Field(default_factory=dict)
    """Servers of tools, by name: a run has those that it or its agent names."""

    default_provider: Text | None = None
    """The provider for model strings that name none, in place of OpenRouter."""

    api_base: WebAddress | None = None
    """The same, by address."""

    memory: MemorySettings = MemorySettings()
    """What is remembered by facts and sessions."""

    daemon: Daemon = Daemon()
    """The daemon itself."""

    include: Files = ()
    """Other files to read under this one: of the same kind, or the config of BitRouter, agentgateway or LiteLLM, or a
    plain file of keys. A relative path begins at the folder of this file, and `~/` at the home folder. What this file
    says under a name wins, then what a later file says. They are watched, too. See docs/importing.md."""

    @model_validator(mode="before")
    @classmethod
    def _include_under_config(cls, data: Any) -> Any:
        """`config: {include: …}` is how some write it."""
        if isinstance(data, dict) and isinstance(section := data.get("config"), dict) and section.keys() == {"include"}:
            return {**section, **{name: value for name, value in data.items() if name != "config"}}
        return data

    @field_validator("api_base")
    @classmethod
    def _one_default(cls, api_base: str | None, info: ValidationInfo) -> str | None:
        if api_base and info.data.get("default_provider"):
            raise refuse("cannot stand beside `default_provider`", "keep one of the two")
        return api_base

    @field_validator("providers")
    @classmethod
    def _told_apart_in_any_case(cls, providers: dict[str, Provider]) -> dict[str, Provider]:
        folded = [name.casefold() for name in providers]
        if twice := [name for name in providers if folded.count(name.casefold()) > 1]:
            raise refuse(f"`{twice[0]}` and `{twice[1]}` differ in case only, and model strings do not tell them apart")
        return providers

    def boundary_in(self, folders: Sequence[str]) -> Boundary | None:
        """What no run of a client that works in these folders may go beyond."""
        return stricter(self.daemon.limits.boundary, boundary_in(self.workspaces, folders))
