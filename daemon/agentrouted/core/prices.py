"""What hosted models cost, as genai-prices lists it."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from agentrouted.core.endpoint import Endpoint, Price

_FRESH: Final = 600.0
"""Seconds. Some prices change by the hour."""

_KEPT: Final = 1024
_HUGGINGFACE: Final = "router.huggingface.co"
_OPENROUTER: Final = "openrouter.ai"


@dataclass(frozen=True, slots=True)
class Listing:
    """What the table says of a model; both are None where it says nothing."""

    price: Price | None = None
    context_window: int | None = None


_UNLISTED: Final = Listing()
_NEVER: Final = (float("-inf"), _UNLISTED)


class PriceTable:
    """Looks a model up by the address it is asked at, so that nobody else's price is taken for it.

    The table is large, and is loaded in a thread when it is needed first.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[float, Listing]] = {}

    async def load(self, endpoints: Iterable[Endpoint]) -> None:
        """Have the listings of those whose price is not known otherwise."""
        for endpoint in endpoints:
            key = (endpoint.base_url, endpoint.model_id)
            if endpoint.local or endpoint.price:
                continue
            found = self._found.get(key, _NEVER)
            if time.monotonic() - found[0] > _FRESH:
                found = (time.monotonic(), await asyncio.to_thread(_look_up, *key))
            # The last one in the table is the last that was asked for; the first makes room.
            self._found.pop(key, None)
            self._found[key] = found
            if len(self._found) > _KEPT:
                del self._found[next(iter(self._found))]

    def of(self, endpoint: Endpoint) -> Listing:
        """What was loaded for it."""
        return self._found.get((endpoint.base_url, endpoint.model_id), _NEVER)[1]


def _look_up(base_url: str, model_id: str) -> Listing:
    from genai_prices.data_snapshot import get_snapshot  # Takes half a second, and 30 MB.

    if urlsplit(base_url).hostname == _OPENROUTER and model_id.endswith(":free"):
        return Listing(Price(0, 0, source="table"))
    model_id, provider = _hosted_by(base_url, model_id)
    try:
        _, model = get_snapshot().find_provider_model(model_id, None, provider, None if provider else base_url)
    except LookupError:
        return _UNLISTED
    return Listing(_price(model.get_prices(datetime.now(UTC))), model.context_window)


def _hosted_by(base_url: str, model_id: str) -> tuple[str, str | None]:
    """Hugging Face's router passes calls on to `<model>:<provider>`, at that provider's price."""
    name, _, provider = model_id.rpartition(":")
    if name and urlsplit(base_url).hostname == _HUGGINGFACE:
        return name, f"huggingface_{provider}"
    return model_id, None


def _price(listed: Any) -> Price | None:
    if listed.input_mtok is None or listed.output_mtok is None:
        return None
    return Price(
        input=_dollars(listed.input_mtok),
        output=_dollars(listed.output_mtok),
        cached=None if listed.cache_read_mtok is None else _dollars(listed.cache_read_mtok),
        source="table",
    )


def _dollars(listed: Any) -> float:
    """For a million tokens; of a price that grows with the prompt, where it begins."""
    return float(getattr(listed, "base", listed))
