"""What a run learns of an endpoint from its refusals."""

import re
from collections.abc import Sequence
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
        await services.profiles.learn(endpoint, "supports_tools", False, evidence_of("a request with tools", error))
    if (refused := refused_parameter(error)) is None:
        return None
    return await services.profiles.without(endpoint, *refused, evidence_of(f"`{refused[0]}`", error))


def evidence_of(what: str, error: AgentroutedError) -> str:
    """In our words: those of the provider may repeat the request, and a prompt is not to be kept."""
    status = error.provider.status if error.provider else None
    return f"{what} was refused ({status})" if status else f"{what} was refused"


def cannot_call_tools(endpoint: Endpoint, given_by: Sequence[str]) -> InvalidParams:
    """`given_by` is what has given the model tools, as `settings_with_tools` has it."""
    name = model_string(endpoint.provider, endpoint.base_url, endpoint.model_id)
    if "supports_tools" in endpoint.configured:
        why = f"`tools: false` stands in the config for {name}"
    elif endpoint.provider == "local":
        why = "its chat template has no place for them"
    else:
        why = f"it has refused them before; `agentrouted models probe {name}` looks again"
    return InvalidParams(
        f"{name} cannot call tools: {why}",
        hint=f"leave out {', '.join(given_by)}; or use a model made for tools, such as qwen2.5 or llama3.1",
    )
