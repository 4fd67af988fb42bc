"""How many tokens a server of this machine really takes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.wire.answers import Answers
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.question import Question, answer_to


class Windows:
    """Asks each server for each model once in a while."""

    def __init__(self) -> None:
        # A model that is not loaded yet, of which nothing is known, may be so soon.
        self._said: Answers[int] = Answers(fresh=300.0, fresh_if_none=15.0)

    async def of(self, endpoint: Endpoint, http: HttpClient) -> int | None:
        """Tokens of prompt and reply together, as the server says; None where it does not. Never raises."""
        key = (endpoint.base_url, endpoint.wire, endpoint.model_id)
        return await self._said.get(key, lambda: ask_window(http, endpoint, _questions(endpoint)))


async def ask_window(http: HttpClient, endpoint: Endpoint, questions: Sequence[Question]) -> int | None:
    """What the first of these questions finds that finds something."""
    for question in questions:
        window = await answer_to(http, endpoint, question)
        if isinstance(window, int) and window > 0:
            return window
    return None


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
    found = (each.get(name) for each in _entries(document, "data", "id", model) for name in _WINDOW_NAMES)
    return next((window for window in found if window is not None), None)


# Of vLLM and SGLang; Groq; OpenRouter; Mistral.
_WINDOW_NAMES: Final = ("max_model_len", "context_window", "context_length", "max_context_length")


def _entries(document: Mapping[str, Any], key: str, id_key: str, model: str) -> Iterator[Mapping[str, Any]]:
    """Those of the model; Ollama takes a name without a tag for its `latest`."""
    entries = document.get(key)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and str(entry.get(id_key)).removesuffix(":latest") == model.removesuffix(":latest"):
            yield entry


def _made_for_in_ollama(document: Mapping[str, Any], model: str) -> Any:
    # Under the name of the model's architecture, such as `llama.context_length`.
    info = document.get("model_info")
    return info.get(f"{info.get('general.architecture')}.context_length") if isinstance(info, dict) else None


def _questions(endpoint: Endpoint) -> Sequence[Question]:
    return _BY_WIRE.get(endpoint.wire) or _BY_PROVIDER.get(endpoint.provider, _USUAL)


NOW_IN_OLLAMA: Final = (
    Question("GET", "/api/ps", _loaded_by_ollama),
    Question("POST", "/api/show", _set_in_ollama),
)
"""What it has the model loaded with, or would load it with."""

AT_MOST_IN_OLLAMA: Final = (Question("POST", "/api/show", _made_for_in_ollama),)

# vLLM's way, which SGLang and others took over.
_USUAL: Final[Sequence[Question]] = (Question("GET", "/models", _in_list_of_models, under_base=True),)

# By provider, what to ask until a window is found. What a model was made for is not asked: servers take less.
_BY_PROVIDER: Final[Mapping[str, Sequence[Question]]] = {
    "ollama": NOW_IN_OLLAMA,
    "llamacpp": (Question("GET", "/props", _of_llamacpp),),
    "lm_studio": (Question("GET", "/api/v0/models", _loaded_by_lm_studio),),
    "tgi": (Question("GET", "/info", lambda document, _: document.get("max_total_tokens")),),
}

# Here the server takes as much as each request wants.
_BY_WIRE: Final[Mapping[str, Sequence[Question]]] = {"ollama_chat": AT_MOST_IN_OLLAMA}
