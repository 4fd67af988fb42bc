"""What a person knows better about a server."""

from typing import Any, Literal

from pydantic import Field

from agentrouted.core.config.section import HeaderName, Section, Text
from agentrouted.core.quirks.profile import ThinkField

Parameter = Literal[
    "frequency_penalty",
    "max_tokens",
    "presence_penalty",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "top_k",
    "top_p",
]
Effort = Literal["none", "default", "minimal", "low", "medium", "high", "xhigh", "max"]


class QuirksSection(Section):
    """How requests to it are written, in place of what is known. A mapping adds to what is known, key by key."""

    parameters: dict[Parameter, bool | Text] = Field(default_factory=dict)
    """By parameter: its name there (in the format `chat_completions`), `true` if it is taken as it is, or `false` if it
    is refused: then it is left out, with a warning."""

    parameters_while_thinking: dict[Parameter, bool] = Field(default_factory=dict)
    """The same for requests that ask the model to think."""

    not_together: tuple[Parameter, ...] | None = None
    """Parameters of which only the first that is given is sent."""

    efforts: dict[Effort, Text | Literal[False]] = Field(default_factory=dict)
    """By how hard a model is to think (`think`), the word that is sent, or `false` if there is none. `none` stands for
    `think: false`, and `default` for `think: true`."""

    think_field: ThinkField | None = None
    """Where `chat_completions` says how hard to think: `effort` is `reasoning_effort`, `reasoning` is OpenRouter's
    object, `thinking` DeepSeek's, and `template` is `chat_template_kwargs`, as vLLM and llama.cpp have it."""

    names_tools: bool | None = None
    """False if a request may say that a tool is to be called, but not which."""

    file_addresses: bool | None = None
    """False if a file has to come along with a request, and its address is not enough."""

    reasoning_back: bool | None = None
    """True if turns with tool calls have to come back with the reasoning that led to them."""

    key_header: HeaderName | None = None
    """The header that carries the key, such as `api-key`, in place of the one that the format has."""

    @property
    def layer(self) -> dict[str, Any]:
        """What is said, as a layer of `core.quirks`."""
        return {name: value for name, value in self if name in self.model_fields_set and value is not None}
