"""Who may answer a run, and in which order they are asked."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agentrouted.core.endpoint import Boundary, Endpoint, Price, stricter
from agentrouted.core.errors import GuardrailBlocked
from agentrouted.core.health import Health
from agentrouted.core.prices.table import PriceTable
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.resolve import Resolution
from agentrouted.core.routing.strategies import in_order


async def candidates(
    resolution: Resolution, boundary: Boundary | None, prices: PriceTable, health: Health
) -> tuple[ResolvedEndpoint, ...]:
    """The endpoints of a run, the first to be asked first, with prices and windows as far as they are known.

    A boundary of the name that was resolved holds beside `boundary`. Raises `GuardrailBlocked` where all of them are
    beyond it.
    """
    await prices.load(each.endpoint for each in resolution.endpoints)
    return _ordered(resolution, boundary, prices, _Signs(prices, health))


def as_told(resolution: Resolution, boundary: Boundary | None, prices: PriceTable) -> Resolution:
    """The same, to be told to people: what chance and the speed of late decide stands as it is written.

    `prices` are loaded. Raises `GuardrailBlocked`.
    """
    return replace(resolution, endpoints=_ordered(resolution, boundary, prices, _Signs(prices)))


def _ordered(
    resolution: Resolution, boundary: Boundary | None, prices: PriceTable, signs: "_Signs"
) -> tuple[ResolvedEndpoint, ...]:
    ordered = in_order(resolution.chain, signs) if resolution.chain else resolution.endpoints
    if boundary := stricter(boundary, resolution.boundary):
        ordered = tuple(each for each in ordered if _is_within(boundary, each.endpoint, signs))
        if not ordered:
            raise _beyond(boundary, resolution.endpoints)
    return tuple(_with_listing(each, prices) for each in ordered)


def in_turn(endpoints: Iterable[ResolvedEndpoint], health: Health) -> Iterator[ResolvedEndpoint]:
    """In order, but those that have failed too often of late at the end. Each is looked at when its turn comes."""
    resting = []
    for candidate in endpoints:
        if health.takes_calls(candidate.endpoint):
            yield candidate
        else:
            resting.append(candidate)
    yield from resting


@dataclass(frozen=True, slots=True)
class _Signs:
    prices: PriceTable
    health: Health | None = None
    """None: neither speed nor chance has a say."""

    def price(self, endpoint: Endpoint) -> Price | None:
        return endpoint.price or self.prices.of(endpoint).price

    def seconds(self, endpoint: Endpoint) -> float | None:
        return self.health.seconds(endpoint) if self.health else None

    def draw(self) -> float:
        return random.random() if self.health else 0.0


def _is_within(boundary: Boundary, endpoint: Endpoint, signs: _Signs) -> bool:
    if boundary == "local":
        return endpoint.local
    price = signs.price(endpoint)
    return endpoint.local if price is None else price.input == price.output == 0


def _beyond(boundary: Boundary, endpoints: Sequence[ResolvedEndpoint]) -> GuardrailBlocked:
    kept_from = ", ".join(each.endpoint.label for each in endpoints)
    why = "not on this machine" if boundary == "local" else "not known to be free"
    return GuardrailBlocked(
        f"the boundary `{boundary}` has kept this run from {kept_from}: {why}",
        hint="name a model within the boundary, such as `ollama/<model>`, or leave out `boundary` where it was set",
        details={"rule": f"boundary: {boundary}"},
    )


def _with_listing(candidate: ResolvedEndpoint, prices: PriceTable) -> ResolvedEndpoint:
    endpoint, listing = candidate.endpoint, prices.of(candidate.endpoint)
    if listing.price is None and listing.context_window is None:
        return candidate
    price = endpoint.price or listing.price
    window = endpoint.context_window or listing.context_window
    return replace(candidate, endpoint=replace(endpoint, price=price, context_window=window))
