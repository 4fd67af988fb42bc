"""A provider's refusal, as one of our errors."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    PASSING_STATUSES,
    AgentroutedError,
    ContextOverflow,
    ModelMissing,
    ProviderAuth,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ResponseInvalid,
)
from agentrouted.core.wire.advice import fetch_it, give_key, need_less, where, widen
from agentrouted.core.wire.loose_json import parse
from agentrouted.core.wire.refusal_rules import Refusal, kind_of, trouble_of
from agentrouted.core.wire.repeated import without_repeated
from agentrouted.core.wire.reply_headers import request_id, retry_after
from agentrouted.core.wire.scrub import scrub
from agentrouted_protocol.errors import ProviderReply

# Seconds to wait for a model that is being loaded, where the server does not say.
_UNTIL_LOADED: Final = 5.0

_SECONDS: Final = re.compile(r"(\d{1,5}(?:\.\d+)?)s")
_TEXT_LENGTH = 2000
_EXCERPT_LENGTH = 300

_SAYS: Final[dict[type[AgentroutedError], str]] = {
    ProviderAuth: "{server} refused the key",
    QuotaExceeded: "{server} has no credit left for this key",
    RateLimited: "{server} is asked too often",
    ContextOverflow: "{server} cannot take a conversation this long with `{model}`",
    ModelMissing: "{server} answers, but has no model `{model}`",
    ResponseInvalid: "{server} cannot read the tool call that `{model}` wrote",
    ProviderError: "{server} failed on `{model}`",
}


def refused(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes, said: Sequence[str] = ()
) -> AgentroutedError:
    """What a reply with this status, not 2xx, means. What was `said` in the request is not repeated."""
    document = _parsed(body)
    codes, text = _words(document)
    if 300 <= status < 400:
        place = headers.get("location", "nowhere").partition("?")[0]
        text = f"it redirects to {place}, and a key is never carried elsewhere"
    wait = retry_after(headers)
    wait = _delay(document) if wait is None else wait
    return _as_error(endpoint, Refusal(status, codes, text, request_id(headers), wait), said)


def refused_inside(endpoint: Endpoint, error: Any, request: str | None, said: Sequence[str] = ()) -> AgentroutedError:
    """What the `error` member of a reply means that began as a success."""
    codes, text = _words({"error": error})
    status = next((int(code) for code in codes if code.isdecimal() and 400 <= int(code) <= 599), None)
    if status is None and any(code.startswith("invalid_") for code in codes):
        status = 400
    return _as_error(endpoint, Refusal(status, codes, text, request), said)


def _as_error(endpoint: Endpoint, refusal: Refusal, said: Sequence[str]) -> AgentroutedError:
    text = scrub(without_repeated(refusal.text, said), endpoint)[:_TEXT_LENGTH]
    error, trouble = kind_of(refusal), trouble_of(refusal)
    request_id = scrub(refusal.request_id, endpoint) if refusal.request_id else None
    return error(
        _message(endpoint, error, refusal.status, text),
        hint=_hint(endpoint, error, refusal),
        retry_after=_UNTIL_LOADED if trouble == "loading" and refusal.retry_after is None else refusal.retry_after,
        provider=ProviderReply(name=endpoint.provider, status=refusal.status, text=text or None, request_id=request_id),
        details={"state": trouble} if trouble else None,
    )


def _message(endpoint: Endpoint, error: type[AgentroutedError], status: int | None, text: str) -> str:
    says = _SAYS[error]
    if error is ProviderAuth and endpoint.api_key is None:
        says = "{server} wants a key, and there is none"
    server = f"{endpoint.owner} at {where(endpoint)}"
    message = says.format(server=server, model=endpoint.model_id) + (f" ({status})" if status else "")
    return message if _is_page(text) or not text else f"{message}: {' '.join(text[:_EXCERPT_LENGTH].split())}"


def _hint(endpoint: Endpoint, error: type[AgentroutedError], refusal: Refusal) -> str:
    if error is ProviderAuth:
        return give_key(endpoint)
    if error is ModelMissing:
        return fetch_it(endpoint)
    if error is QuotaExceeded:
        return f"add credit at {endpoint.provider}, or use another model"
    if error is RateLimited:
        return f"wait {refusal.retry_after:g} s" if refusal.retry_after else "wait a moment"
    if error is ResponseInvalid:
        return "try again, or use another model"
    if error is ContextOverflow:
        return widen(endpoint, refusal.text)
    if trouble := trouble_of(refusal):
        return "wait until it has loaded the model, then try again" if trouble == "loading" else need_less(endpoint)
    if "v1/responses" in refusal.text and endpoint.wire == "chat_completions":
        return f"this model has another format: set `api_protocol: responses` under `providers.{endpoint.provider}`"
    return _hint_by_status(refusal)


def _hint_by_status(refusal: Refusal) -> str:
    status, text = refusal.status, refusal.text
    if status is None or status >= 500 or status in PASSING_STATUSES:
        return f"try again in {refusal.retry_after:g} s" if refusal.retry_after else "try again in a moment"
    if 300 <= status < 400:
        return "give the provider the address that it redirects to"
    if status == 404 and (not text or _is_page(text) or "not found" in text.lower()):
        return "check the address: most end in /v1"
    return "the same request would be refused again: change what it objects to, or use another model"


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _words(document: Any) -> tuple[frozenset[str], str]:
    """The short words and the sentence in whatever shape a provider gives them."""
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error", document) if isinstance(document, dict) else document
    if not isinstance(error, dict):
        return frozenset(), _sentence(error)
    codes = frozenset(str(error[name]).lower() for name in ("code", "type", "status") if error.get(name))
    said = (error.get("message") or error.get("detail") or error.get("error"), _raw(error))
    return codes, ": ".join(_sentence(part) for part in said if part)


def _delay(document: Any) -> float | None:
    """How long Google's `RetryInfo` says to wait, in seconds such as `34.5s`."""
    error = document.get("error") if isinstance(document, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        found = _SECONDS.fullmatch(str(detail.get("retryDelay"))) if isinstance(detail, dict) else None
        if found:
            return float(found[1])
    return None


def _raw(error: Mapping[str, Any]) -> Any:
    """What OpenRouter was itself told by the provider behind it."""
    metadata = error.get("metadata")
    return metadata.get("raw") if isinstance(metadata, dict) else None


def _sentence(said: Any) -> str:
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        # FastAPI's list of problems: not with `input`, which may be the whole prompt.
        return "; ".join(f"{item.get('loc')}: {item.get('msg')}" for item in said if isinstance(item, dict))
    return "" if said is None else str(said)


def _is_page(text: str) -> bool:
    return text.lstrip().startswith("<")
