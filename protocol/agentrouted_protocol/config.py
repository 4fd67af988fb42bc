"""`config/*`: what is in force, and what is wrong with it."""

from typing import Any, Literal

from agentrouted_protocol.base import Params, SentParams, WireModel


class Position(WireModel):
    """Zero-based line and UTF-16 column (LSP 3.17, `Position`)."""

    line: int
    character: int


class Range(WireModel):
    start: Position
    end: Position


class Problem(WireModel):
    """One thing that is wrong with the configuration, and where it stands."""

    message: str
    path: str = ""
    """Dotted, such as `providers.groq.api_base`; empty for the file as a whole."""

    severity: Literal["error", "warning"] = "error"
    file: str | None = None
    range: Range | None = None
    hint: str | None = None
    """What mends it."""


class ConfigValue(WireModel):
    """One effective value. A secret is shown as a hint, never whole."""

    path: str
    value: Any = None
    origin: str
    """`default`, `<file>:<line>`, or `env:NAME`."""


class ConfigGetParams(Params):
    path: str | None = None
    """Only the values at or under this dotted path."""


class ConfigGetResult(WireModel):
    generation: int
    """Counts the configurations that were put in force, without own files of folders."""

    file: str | None = None
    """The file that was looked for; it need not exist."""

    values: list[ConfigValue]
    problems: list[Problem]


class ConfigReloadResult(WireModel):
    """The state after a reload, asked for or not. The same values go out as `config/didReload`."""

    generation: int
    """Of the configuration in force; neither a bad file nor a folder's own file changes it."""

    ok: bool
    """False if the file is bad, or the own file of a folder that the client works in: then what it last said well stays
    in force."""

    changed: list[str]
    """Top-level names and one level below, such as `providers.groq`, that differ from what was in force before;
    `instructions` are those of folders' own files."""

    problems: list[Problem]


class ConfigDidReloadParams(ConfigReloadResult, SentParams):
    pass


class ConfigValidateParams(Params):
    text: str | None = None
    """The text of a configuration file; by default the file on disk."""


class ConfigValidateResult(WireModel):
    ok: bool
    problems: list[Problem]
