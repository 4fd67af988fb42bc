"""The table of prices, and who is found in it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, Final, TypedDict

from pydantic_core import from_json

_DATE: Final = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Amounts(TypedDict, total=False):
    """Dollars for a million tokens, and when they hold: since a day, or between two times of day, all in UTC."""

    input: float
    output: float
    cached: float
    since: str
    start: str
    end: str


class Model(TypedDict):
    window: int | None
    prices: list[Amounts]
    """Of those that hold, the last; of none, the first."""


Rule = tuple[int, str, Any]
"""Which model it is, and a way to tell: a key of `_WAYS` with its text or its rules."""


class Listed(TypedDict):
    """A provider's models, and how to tell which is meant. Of all that fit, the first counts."""

    exact: dict[str, int]
    """Names in lower case."""

    rules: list[Rule]
    models: list[Model]


@dataclass(frozen=True)
class Provider:
    id: str
    begins: str
    """What all of its addresses begin with: sooner looked at than the pattern."""

    pattern: str
    also: list[str]
    """Providers whose models it has, too, at their prices."""

    listed: str
    """`Listed` as JSON: few of the providers are ever asked for."""

    def is_at(self, base_url: str) -> bool:
        return base_url.startswith(self.begins) and re.match(self.pattern, base_url) is not None

    @cached_property
    def _listed(self) -> Listed:
        listed: Listed = from_json(self.listed)
        return listed

    def model(self, name: str) -> Model | None:
        """`name` is in lower case."""
        listed = self._listed
        number = listed["exact"].get(name, len(listed["models"]))
        for each, way, value in listed["rules"]:
            if each >= number:
                break
            if _fits(way, value, name):
                return listed["models"][each]
        return listed["models"][number] if number < len(listed["models"]) else None


class Listings:
    """genai-prices as it is installed: its own way to find a model, without its size."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._provider_at = lru_cache(256)(self._first_at)

    def of(self, id_: str, model_id: str) -> Model | None:
        """What is listed by the provider with this id."""
        return self._model(self._providers.get(id_), model_id.lower())

    def at(self, base_url: str, model_id: str) -> Model | None:
        """What is listed by the provider whose address this is."""
        return self._model(self._provider_at(base_url), model_id.lower())

    def _first_at(self, base_url: str) -> Provider | None:
        return next((each for each in self._providers.values() if each.is_at(base_url)), None)

    def _model(self, provider: Provider | None, name: str) -> Model | None:
        if provider is None:
            return None
        # Some write the date of a model's version without dashes, and are listed with them.
        dashed = _DATE.sub(r"-\1-\2-\3", name)
        providers = [provider, *(self._providers[id_] for id_ in provider.also if id_ in self._providers)]
        found = (each.model(way) for way in dict.fromkeys((name, dashed)) for each in providers)
        return next((model for model in found if model), None)


def amounts_at(model: Model, moment: datetime) -> Amounts | None:
    prices, moment = model["prices"], moment.astimezone(UTC)
    return next((each for each in reversed(prices) if _holds(each, moment)), prices[0] if prices else None)


_WAYS: Final[Mapping[str, Callable[[str, Any], bool]]] = {
    "equals": lambda name, text: name == text,
    "starts_with": lambda name, text: name.startswith(text),
    "ends_with": lambda name, text: name.endswith(text),
    "contains": lambda name, text: text in name,
    "regex": lambda name, pattern: re.search(pattern, name) is not None,
    "or_": lambda name, rules: any(_fits(way, value, name) for way, value in rules),
    "and_": lambda name, rules: all(_fits(way, value, name) for way, value in rules),
}


def _fits(way: str, value: Any, name: str) -> bool:
    return way in _WAYS and _WAYS[way](name, value)


def _holds(amounts: Amounts, moment: datetime) -> bool:
    if since := amounts.get("since"):
        return moment.date().isoformat() >= since
    start, end = amounts.get("start"), amounts.get("end")
    if start is None or end is None:
        return True
    now = moment.strftime("%H:%M:%S")
    return start <= now < end if start <= end else (now >= start or now < end)
