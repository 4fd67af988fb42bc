"""How many tokens a server of this machine really takes."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.endpoint import Endpoint, Timeouts
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.http import HttpClient

_TIMEOUTS: Final = Timeouts(connect=1.0, first_byte=2.0, idle=2.0)
_LARGEST: Final = 16 * 1024 * 1024

# Seconds that an answer holds. A model that is not loaded yet, of which nothing is known, may be so soon.
_FRESH: Final = 300.0
_FRESH_IF_UNKNOWN: Final = 15.0


class Windows:
    """Asks each server for each model once in a while."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], tuple[float, int | None]] = {}

    async def of(self, endpoint: Endpoint, http: HttpClient) -> int | None:
        """Tokens of prompt and reply together, as the server says; None where it does not. Never raises."""
        key = (endpoint.base_url, endpoint.model_id)
        asked_at, window = self._said.get(key, (float("-inf"), None))
        if time.monotonic() - asked_at <= (_FRESH_IF_UNKNOWN if window is None else _FRESH):
            return window
        window = await _ask(http, endpoint)
        self._said[key] = (time.monotonic(), window)
        return window


async def _ask(http: HttpClient, endpoint: Endpoint) -> int | None:
    for question in _QUESTIONS.get(endpoint.provider, _USUAL):
        document = await _document(http, endpoint, question)
        window = question.find(document, endpoint.model_id) if isinstance(document, dict) else None
        if isinstance(window, int) and window > 0:
            return window
    return None


async def _document(http: HttpClient, endpoint: Endpoint, question: "_Question") -> Any:
    base = endpoint.base_url if question.under_base else endpoint.base_url.removesuffix("/v1")
    hurried = replace(endpoint, base_url=base, timeouts=_TIMEOUTS)
    body = to_json({"model": endpoint.model_id}) if question.method == "POST" else b""
    try:
        async with aclosing(await http.send(hurried, question.method, question.path, body)) as exchange:
            return from_json(await exchange.read_all(_LARGEST))
    except (AgentroutedError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    find: Callable[[Mapping[str, Any], str], Any]
    under_base: bool = False


def _loaded_by_ollama(document: Mapping[str, Any], model: str) -> Any:
    return next((each.get("context_length") for each in _entries(document, "models", "name", model)), None)


def _set_in_ollama(document: Mapping[str, Any], model: str) -> Any:
    # One parameter a line, its name and its value.
    found = re.search(r"^num_ctx\s+(\d+)", str(document.get("parameters", "")), re.MULTILINE)
    return int(found[1]) if found else None


def _loaded_by_lm_studio(document: Mapping[str, Any], model: str) -> Any:
    return next((each.get("loaded_context_length") for each in _entries(document, "data", "id", model)), None)


def _of_llamacpp(document: Mapping[str, Any], model: str) -> Any:
    settings = document.get("default_generation_settings")
    return settings.get("n_ctx") if isinstance(settings, dict) else None


def _in_list_of_models(document: Mapping[str, Any], model: str) -> Any:
    return next((each.get("max_model_len") for each in _entries(document, "data", "id", model)), None)


def _entries(document: Mapping[str, Any], key: str, id_key: str, model: str) -> Iterator[Mapping[str, Any]]:
    """Those of the model; Ollama takes a name without a tag for its `latest`."""
    entries = document.get(key)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and str(entry.get(id_key)).removesuffix(":latest") == model.removesuffix(":latest"):
            yield entry


# vLLM's way, which SGLang and others took over.
_USUAL: Final[Sequence[_Question]] = (_Question("GET", "/models", _in_list_of_models, under_base=True),)

# By provider, what to ask until a window is found. What a model was made for is not asked: servers take less.
_QUESTIONS: Final[Mapping[str, Sequence[_Question]]] = {
    "ollama": (_Question("GET", "/api/ps", _loaded_by_ollama), _Question("POST", "/api/show", _set_in_ollama)),
    "llamacpp": (_Question("GET", "/props", _of_llamacpp),),
    "lm_studio": (_Question("GET", "/api/v0/models", _loaded_by_lm_studio),),
}
