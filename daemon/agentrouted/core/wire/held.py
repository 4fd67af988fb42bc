"""Which models a server has in memory, and if it is well."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from agentrouted.core.endpoint import Endpoint, Timeouts
from agentrouted.core.errors import AgentroutedError, ProviderError
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.question import Question, answer_to

_TIMEOUTS: Final = Timeouts(connect=1.0, first_byte=2.0, idle=2.0)


@dataclass(frozen=True, slots=True)
class Held:
    """A model that a server has, and maybe in memory."""

    loaded: bool
    window: int | None = None
    """Tokens that it takes now."""


async def held_models(http: HttpClient, endpoint: Endpoint) -> Mapping[str, Held] | None:
    """By id; None where the server does not say. Never raises."""
    question = _QUESTIONS.get(endpoint.provider)
    found: Mapping[str, Held] | None = await answer_to(http, endpoint, question) if question else None
    return found


async def is_well(http: HttpClient, endpoint: Endpoint) -> bool:
    """False where the server itself says that it cannot answer: it loads a model, or its engine has died."""
    if endpoint.provider not in _TELL_HEALTH:
        return True
    asked = replace(endpoint, base_url=endpoint.base_url.removesuffix("/v1"), timeouts=_TIMEOUTS)
    try:
        async with aclosing(await http.send(asked, "GET", "/health")):
            return True
    except ProviderError as error:
        return error.provider is None or error.provider.status != 503
    except AgentroutedError:
        return True


def _by_id(key: str, id_key: str, held: Callable[[Mapping[str, Any]], Held]) -> Callable[[Mapping[str, Any], str], Any]:
    def found(document: Mapping[str, Any], _: str) -> Mapping[str, Held]:
        return {str(each[id_key]): held(each) for each in _entries(document.get(key)) if id_key in each}

    return found


def _entries(listed: Any) -> Iterator[Mapping[str, Any]]:
    return (each for each in listed if isinstance(each, dict)) if isinstance(listed, list) else iter(())


def _tokens(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _of_llamacpp(model: Mapping[str, Any]) -> Held:
    # With several models it says of each how far it is.
    status, meta = model.get("status"), model.get("meta")
    loaded = not isinstance(status, dict) or status.get("value") == "loaded"
    return Held(loaded, _tokens(meta.get("n_ctx")) if isinstance(meta, dict) else None)


def _of_lm_studio(model: Mapping[str, Any]) -> Held:
    return Held(model.get("state") == "loaded", _tokens(model.get("loaded_context_length")))


def _of_tgi(document: Mapping[str, Any], _: str) -> Mapping[str, Held]:
    return {str(document.get("model_id")): Held(True, _tokens(document.get("max_total_tokens")))}


_QUESTIONS: Final[Mapping[str, Question]] = {
    "ollama": Question(
        "GET", "/api/ps", _by_id("models", "name", lambda model: Held(True, _tokens(model.get("context_length"))))
    ),
    "vllm": Question(
        "GET",
        "/models",
        _by_id("data", "id", lambda model: Held(True, _tokens(model.get("max_model_len")))),
        under_base=True,
    ),
    "lm_studio": Question("GET", "/api/v0/models", _by_id("data", "id", _of_lm_studio)),
    "llamacpp": Question("GET", "/models", _by_id("data", "id", _of_llamacpp), under_base=True),
    "tgi": Question("GET", "/info", _of_tgi),
}

# The others listen before anything is loaded, and load what is asked for.
_TELL_HEALTH: Final = frozenset({"llamacpp", "tgi", "vllm"})
