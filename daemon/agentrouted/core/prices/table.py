"""What a model costs at the address it is asked at."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agentrouted.core.endpoint import Endpoint, Price
from agentrouted.core.opened import Opened
from agentrouted.core.prices.kept import read_listings
from agentrouted.core.prices.listings import Amounts, Listings, Model, amounts_at

_HUGGINGFACE: Final = "router.huggingface.co"
_OPENROUTER: Final = "openrouter.ai"


@dataclass(frozen=True, slots=True)
class Listing:
    """What the table says of a model; both are None where it says nothing."""

    price: Price | None = None
    context_window: int | None = None


_UNLISTED: Final = Listing()


class PriceTable:
    """Looks a model up by the address it is asked at, so that nobody else's price is taken for it.

    It is loaded in a thread when it is needed first; `folder` is where it is kept for the next process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._opened = Opened(lambda: asyncio.to_thread(read_listings, folder))
        self._listings: Listings | None = None

    def has(self, endpoints: Iterable[Endpoint]) -> bool:
        """Whether `of` can say all that there is to say of them, without `load`."""
        return self._listings is not None or not any(_may_be_listed(each) for each in endpoints)

    async def load(self, endpoints: Iterable[Endpoint]) -> None:
        if not self.has(endpoints):
            self._listings = await self._opened.get()

    def of(self, endpoint: Endpoint) -> Listing:
        """As it is now: some prices change by the hour."""
        if not _may_be_listed(endpoint):
            return _UNLISTED
        assert self._listings is not None, "`load` comes first"
        host = urlsplit(endpoint.base_url).hostname
        if host == _OPENROUTER and endpoint.model_id.endswith(":free"):
            return Listing(Price(0, 0, source="table"))
        model = _model(self._listings, host, endpoint)
        return Listing(_price(amounts_at(model, datetime.now(UTC))), model["window"]) if model else _UNLISTED


def _may_be_listed(endpoint: Endpoint) -> bool:
    return not (endpoint.local or endpoint.price)


def _model(listings: Listings, host: str | None, endpoint: Endpoint) -> Model | None:
    name, _, provider = endpoint.model_id.rpartition(":")
    if name and host == _HUGGINGFACE:
        # The router passes calls on to `<model>:<provider>`, at that provider's price.
        return listings.of(f"huggingface_{provider}", name)
    return listings.at(endpoint.base_url, endpoint.model_id)


def _price(amounts: Amounts | None) -> Price | None:
    if amounts is None or "input" not in amounts or "output" not in amounts:
        return None
    return Price(amounts["input"], amounts["output"], amounts.get("cached"), source="table")
