"""What a run learns of an endpoint from its refusals."""

import re
from typing import Final

from agentrouted.core.endpoint import Endpoint, model_string
from agentrouted.core.errors import AgentroutedError, InvalidParams, ProviderError
from agentrouted.core.quirks.refused import refused_parameter
from agentrouted.core.services import Services

# Of the model itself. What a server says of the options it was started with may change with its next start.
_NO_TOOLS: Final = re.compile(r"does not support (tools|tool use|function calling)", re.IGNORECASE)


async def learn_from(error: AgentroutedError, endpoint: Endpoint, services: Services) -> Endpoint | None:
    """The endpoint as it is known now, if it may answer when it is asked again at once."""
    services.troubles.note(endpoint, error)
    text = error.provider.text if isinstance(error, ProviderError) and error.provider else None
    if text and _NO_TOOLS.search(text):
        await services.profiles.learn(endpoint, "supports_tools", False, error.message)
    refused = refused_parameter(error)
    return None if refused is None else await services.profiles.without(endpoint, *refused, error.message)


def cannot_call_tools(endpoint: Endpoint) -> InvalidParams:
    name = model_string(endpoint.provider, endpoint.base_url, endpoint.model_id)
    if "supports_tools" in endpoint.configured:
        why = f"`tools: false` stands in the config for {name}"
    elif endpoint.provider == "local":
        why = "its chat template has no place for them"
    else:
        why = f"it has refused them before; `agentrouted models probe {name}` looks again"
    return InvalidParams(
        f"{name} cannot call tools: {why}",
        hint="leave out `tools`, or use a model made for tools, such as qwen2.5 or llama3.1",
    )
