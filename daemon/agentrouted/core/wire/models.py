"""What a server says it can run."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import from_json

from agentrouted.core.endpoint import Endpoint, Timeouts
from agentrouted.core.errors import ResponseInvalid
from agentrouted.core.wire.http import HttpClient

_TIMEOUTS: Final = Timeouts(connect=1.0, first_byte=3.0, idle=3.0)
_LARGEST = 16 * 1024 * 1024

_SIGNATURES: Final = {
    "vllm": "vllm",
    "llamacpp": "llamacpp",
    "library": "ollama",
    "organization_owner": "lm_studio",
    "sglang": "sglang",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as its server lists it."""

    id: str
    owner: str | None = None

    @property
    def software(self) -> str | None:
        """What serves it, where that can be told."""
        return "tgi" if self.owner == self.id else _SIGNATURES.get(self.owner or "")


async def list_models(http: HttpClient, endpoint: Endpoint) -> list[Listed]:
    """What `GET …/models` lists. The model and the timeouts of `endpoint` do not count."""
    hurried = replace(endpoint, timeouts=_TIMEOUTS)
    async with aclosing(await http.send(hurried, "GET", "/models")) as exchange:
        body = await exchange.read_all(_LARGEST)
    try:
        listed = _entries(from_json(body))
    except ValueError:
        raise ResponseInvalid(f"{endpoint.label} lists its models in a way that is not known") from None
    models = [model for model in listed if isinstance(model, dict) and isinstance(model.get("id"), str)]
    return [Listed(model["id"], str(model.get("owned_by"))) for model in models]


def _entries(document: Any) -> list[Any]:
    entries = document.get("data") if isinstance(document, dict) else document
    # An Ollama without models.
    if entries is None and isinstance(document, dict) and document.get("object") == "list":
        return []
    if not isinstance(entries, list):
        raise ValueError("no list of models")
    return entries
