"""The `mcp_servers` section: servers of tools."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from agentrouted.core.config.section import HeaderName, HeaderValue, Seconds, Secret, Section, Text, WebAddress, refuse


def _server_name(value: str) -> str:
    # Models take 64 of these characters for the name of a tool, and `__` ends the server's part of it.
    if not (value.isascii() and value.replace("-", "").replace("_", "").isalnum()) or len(value) > 32 or "__" in value:
        raise refuse("is not a name of an MCP server", "up to 32 letters, digits, `-` and `_`, without `__`")
    return value


def _variable_value(value: SecretStr) -> SecretStr:
    if "\0" in value.get_secret_value():
        raise refuse("must not hold a NUL character")
    return value


def _folder(value: str) -> str:
    if not value.startswith(("/", "~/")):
        raise refuse("must be a whole path", "such as `/srv/project` or `~/project`")
    return value


def _choice(value: Any) -> Any:
    # Said here: of a union, pydantic would tell what is wrong with each of its members.
    if isinstance(value, bool) or (isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:  # of a `${VARIABLE}`
        return value.lower() == "true"
    raise refuse("must be `true`, `false` or a list of tools")


McpServerName = Annotated[str, AfterValidator(_server_name)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableValue = Annotated[Secret, AfterValidator(_variable_value)]
Folder = Annotated[Text, AfterValidator(_folder)]
Choice = Annotated[bool | tuple[Text, ...], BeforeValidator(_choice, json_schema_input_type=bool | list[str])]


class McpServer(Section):
    """A server of tools that speaks the Model Context Protocol: a `command` that is started here, or a `url`."""

    command: Text | None = None
    """What is started; it speaks on its stdin and stdout."""

    args: tuple[str, ...] = ()
    """Of `command`."""

    env: dict[VariableName, VariableValue] = Field(default_factory=dict)
    """Environment variables for `command`. Of ours it is given no more than `PATH`, `HOME` and the like."""

    cwd: Folder | None = None
    """The folder that `command` is started in; the home folder if left out."""

    url: WebAddress | None = None
    """Where a server listens for streamable HTTP, such as `http://localhost:8000/mcp`."""

    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Sent to `url` with each request."""

    timeout: Seconds = 60
    """Seconds for the start, and for each call of a tool."""

    tools: tuple[Text, ...] | None = None
    """The tools that are offered, as the server calls them; all of them if left out."""

    needs_approval: Choice = False
    """Whether a person is asked before each call; or a list of the tools for which that holds."""

    @field_validator("url")
    @classmethod
    def _one_way(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url and info.data.get("command"):
            raise refuse("cannot stand beside `command`", "keep one of the two")
        return url

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if not self.command and not self.url:
            raise refuse("needs `command` or `url`")
        here, there = ("command", "url") if self.command else ("url", "command")
        if stray := self.model_fields_set & _BELONGS[there]:
            raise refuse(f"has `{here}`, to which `{min(stray)}` does not belong", f"leave out `{min(stray)}`")
        return self

    def asks_for(self, tool: str) -> bool:
        """Whether calls of this tool need approval."""
        return self.needs_approval if isinstance(self.needs_approval, bool) else tool in self.needs_approval


_BELONGS = {"command": {"args", "env", "cwd"}, "url": {"headers"}}
