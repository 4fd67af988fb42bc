"""Which refusal is which error: a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from agentrouted.core.errors import (
    AgentroutedError,
    ContextOverflow,
    ModelMissing,
    ProviderAuth,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ResponseInvalid,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status other than 2xx, or an error in the body of a 200."""

    status: int | None
    codes: frozenset[str] = frozenset()
    """The provider's short words for it, in lower case."""

    text: str = ""
    request_id: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    error: type[AgentroutedError]
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    wording: re.Pattern[str] | None = None

    def fits(self, refusal: Refusal) -> bool:
        return (
            refusal.status in self.statuses
            or not self.codes.isdisjoint(refusal.codes)
            or (self.wording is not None and self.wording.search(refusal.text) is not None)
        )


# The first that fits counts. "Too many tokens" may mean a minute's allowance: so 429 stands before the context window.
_RULES: Final = (
    _Rule(
        ProviderError,
        codes=frozenset({"unsupported_country_region_territory", "content_policy_violation"}),
        wording=re.compile(r"\bflagged\b|\bmoderation\b", re.IGNORECASE),
    ),
    # Groq's word for a reply of the model: the next one may be better.
    _Rule(ResponseInvalid, wording=re.compile(r"\btool call validation failed\b|^failed to call a function", re.I)),
    _Rule(
        QuotaExceeded,
        statuses=frozenset({402}),
        codes=frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached", "billing_error"}),
        wording=re.compile(r"credit balance is too low|insufficient (credit|balance|fund)|key limit exceeded", re.I),
    ),
    _Rule(
        RateLimited,
        statuses=frozenset({429}),
        codes=frozenset({"rate_limit_exceeded", "rate_limit_error", "too_many_requests"}),
    ),
    _Rule(
        ContextOverflow,
        statuses=frozenset({413}),
        codes=frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}),
        wording=re.compile(
            r"maximum (context|model|prompt) length|context[ _](length|size|window) ?(was |is )?exceeded"
            r"|exceeds? (the |its )?(model'?s? |available |maximum )*context"
            r"|prompt is too long|input is too long|too many (input )?tokens|longer than the (model'?s? )?context"
            r"|token count .{0,40}exceeds|reduce the length of the (messages|prompt|input)|exceeded model token limit"
            r"|context window exceeds|context (the )?overflows|context length of only|must have less than \d+ tokens"
            r"|`inputs` tokens \+ `max_new_tokens` must be",
            re.IGNORECASE,
        ),
    ),
    _Rule(
        ModelMissing,
        codes=frozenset({"model_not_found", "model_not_supported", "model_decommissioned", "model_not_available"}),
        wording=re.compile(
            r"\bmodel\b.{0,200}\b(not found|does not exist|doesn't exist|not exist|has been decommissioned)\b"
            r"|not a valid model|no endpoints found for|\b(invalid|unknown|no such) model\b|^model: "
            r"|^models/\S+ is not found",
            re.IGNORECASE,
        ),
    ),
    _Rule(
        ProviderAuth,
        statuses=frozenset({401, 403}),
        codes=frozenset(
            {"invalid_api_key", "authentication_error", "invalid_authentication_error", "permission_error"}
            # What LiteLLM says of a key that is not its own, if it keeps none of others.
            | {"no_db_connection"}
        ),
        wording=re.compile(r"\b(invalid|incorrect) api key\b|\bapi key not valid\b", re.IGNORECASE),
    ),
)


Trouble = Literal["loading", "outOfMemory", "contextTooSmall"]
"""What is the matter with a server of one's own; the words are those of `ModelState`."""

_TROUBLES: Final[Mapping[Trouble, re.Pattern[str]]] = {
    "loading": re.compile(r"^loading model\b|\bmodel\b.{0,200}\bis (currently |still )?loading\b|^unhealthy$", re.I),
    "outOfMemory": re.compile(
        r"requires more system memory|out ?of ?(device ?)?memory|(cuda|hip)malloc failed|insufficient (memory|vram)"
        r"|not enough (gpu |video |system )?(memory|resources)|insufficient system resources|unable to allocate"
        r"|failed to allocate|allocation failed|has terminated: signal: killed",
        re.IGNORECASE,
    ),
}


def trouble_of(refusal: Refusal) -> Trouble | None:
    if kind_of(refusal) is ContextOverflow:
        return "contextTooSmall"
    return next((trouble for trouble, wording in _TROUBLES.items() if wording.search(refusal.text)), None)


def kind_of(refusal: Refusal) -> type[AgentroutedError]:
    return next((rule.error for rule in _RULES if rule.fits(refusal)), ProviderError)
