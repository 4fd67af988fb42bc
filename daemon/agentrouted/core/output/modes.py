"""Which way a structured answer is asked for."""

import re
from typing import Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ProviderError
from agentrouted.core.output.wanted import Mode, Wanted

_REFUSES: Final = frozenset({400, 404, 422})

# 500 is what llama.cpp says of tools that it was not started for. At a hosted provider it is a trouble that passes.
_REFUSES_HERE: Final = _REFUSES | {500, 501}
_OF_TOOL_CHOICE: Final = re.compile(r"tool[_ ]choice", re.IGNORECASE)
_OF_OUTPUT: Final = re.compile(
    r"response[_ ]?(format|schema|mime)|json[_ ]?schema|json[_ ]mode|structured[_ ]output"
    r"|output[_ ](config|format)|\btools?\b|\bfunctions?\b",
    re.IGNORECASE,
)
_BELOW: Final[dict[Mode, Mode]] = {"native": "tool", "tool": "prompted", "offered": "prompted"}


def first_mode(wanted: Wanted, endpoint: Endpoint, *, has_tools: bool) -> Mode:
    """The way to begin with. `has_tools`: the model has tools to call before it answers.

    Most servers that hold a reply to a schema hold all of it, and leave no way to write a call: with tools, the answer
    is a call too.
    """
    if wanted.mode != "auto":
        return wanted.mode
    if endpoint.json_schema and not (has_tools and endpoint.supports_tools):
        return "native"
    return "tool" if endpoint.supports_tools else "prompted"


def next_mode(wanted: Wanted, mode: Mode, error: AgentroutedError, *, local: bool) -> Mode | None:
    """What to try after this refusal; None if it is about something else, or the caller wants this way only.

    `local`: at a server of this machine. Some take tools, but not that one has to be called: what they then get is the
    same for the caller.
    """
    refuses = _REFUSES_HERE if local else _REFUSES
    if not isinstance(error, ProviderError) or error.provider is None or error.provider.status not in refuses:
        return None
    text = error.provider.text or ""
    if mode == "tool" and _OF_TOOL_CHOICE.search(text):
        return "offered"
    return _BELOW.get(mode) if wanted.mode == "auto" and _OF_OUTPUT.search(text) else None
