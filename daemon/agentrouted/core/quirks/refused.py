"""Which parameter of a request a provider refuses."""

import re
from typing import Final

from agentrouted.core.errors import AgentroutedError, ProviderError

# Without these a request still asks the same.
_SPARED: Final = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "max_tokens",
        "min_p",
        "parallel_tool_calls",
        "presence_penalty",
        "repetition_penalty",
        "seed",
        "stop",
        "stream_options",
        "temperature",
        "top_k",
        "top_p",
    }
)

# Of OpenAI and those who imitate it; of Groq.
_REFUSALS: Final = (
    re.compile(r"unsupported (?:parameter|value): ['\"`](\w+)['\"`](?:.{0,200}\buse ['\"`](\w+)['\"`] instead)?", re.I),
    re.compile(r"unrecognized request arguments? supplied: (\w+)()", re.IGNORECASE),
    re.compile(r"property ['\"`](\w+)['\"`] is unsupported()", re.IGNORECASE),
)


def refused_parameter(error: AgentroutedError) -> tuple[str, str | bool] | None:
    """Its name, and what it is called there, or false where there is nothing like it; None if it is not about one."""
    if not isinstance(error, ProviderError) or error.provider is None or error.provider.status not in {400, 422}:
        return None
    for pattern in _REFUSALS:
        found = pattern.search(error.provider.text or "")
        if found and found[1] in _SPARED:
            return found[1], found[2] or False
    return None
