"""A question to a server, beside its conversations."""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.endpoint import Endpoint, Timeouts
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.http import HttpClient

_TIMEOUTS: Final = Timeouts(connect=1.0, first_byte=2.0, idle=2.0)
_LARGEST: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    method: str
    path: str
    find: Callable[[Mapping[str, Any], str], Any]
    """The answer for a model, in the document that the server sent."""

    under_base: bool = False
    """False where the path begins beside OpenAI's `/v1`, not under it."""


async def answer_to(http: HttpClient, endpoint: Endpoint, question: Question) -> Any:
    """None where the server does not say. Never raises."""
    base = endpoint.base_url if question.under_base else endpoint.base_url.removesuffix("/v1")
    hurried = replace(endpoint, base_url=base, timeouts=_TIMEOUTS)
    body = to_json({"model": endpoint.model_id}) if question.method == "POST" else b""
    try:
        async with aclosing(await http.send(hurried, question.method, question.path, body)) as exchange:
            document = from_json(await exchange.read_all(_LARGEST))
    except (AgentroutedError, ValueError):
        return None
    return question.find(document, endpoint.model_id) if isinstance(document, dict) else None
