"""The headers that carry a key, as each format wants it."""

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.quirks.profile import quirks_of

# The shape of what comes back depends on it, and it has been the same for years.
_VERSION = {"anthropic-version": "2023-06-01"}


def key_headers(endpoint: Endpoint) -> dict[str, str]:
    key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
    if key and (header := quirks_of(endpoint).key_header):
        return {**(_VERSION if endpoint.wire == "anthropic_messages" else {}), header: key}
    bearer = {"authorization": f"Bearer {key}"} if key else {}
    match endpoint.wire:
        case "gemini_generate_content":
            return {"x-goog-api-key": key} if key else {}
        case "anthropic_messages":
            own = {"x-api-key": key} if key else {}
            # Of the others who speak this format, some look at the one header and some at the other.
            return _VERSION | own | ({} if endpoint.provider == "anthropic" else bearer)
    return bearer
