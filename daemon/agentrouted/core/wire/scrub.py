"""Keys taken out of what a provider says."""

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.secrets import without_keys

_SHORTEST_SECRET = 4


def scrub(text: str, endpoint: Endpoint) -> str:
    """Without the key and the headers we sent, and without anything of the shape of a key."""
    sent = [value for value in endpoint.headers.values() if len(value) >= _SHORTEST_SECRET]
    if endpoint.api_key and len(endpoint.api_key.get_secret_value()) >= _SHORTEST_SECRET:
        sent.append(endpoint.api_key.get_secret_value())
    for secret in sorted(sent, key=len, reverse=True):
        text = text.replace(secret, "[key]")
    return without_keys(text)
