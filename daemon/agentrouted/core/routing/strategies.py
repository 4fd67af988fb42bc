"""In which order the endpoints of a chain are asked."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from agentrouted.core.endpoint import Boundary, Endpoint, Price, Strategy
from agentrouted.core.routing.endpoints import ResolvedEndpoint


class Signs(Protocol):
    """What the strategies go by."""

    def price(self, endpoint: Endpoint) -> Price | None: ...

    def seconds(self, endpoint: Endpoint) -> float | None:
        """Until its replies began, lately; None if that is not known."""

    def draw(self) -> float:
        """By chance, at least 0 and below 1."""


@dataclass(frozen=True, slots=True)
class Link:
    """One place of a chain: endpoints in a fixed order, or a chain of its own."""

    to: "tuple[ResolvedEndpoint, ...] | Chain"
    weight: float = 1.0

    @property
    def endpoints(self) -> "tuple[ResolvedEndpoint, ...]":
        return self.to.endpoints if isinstance(self.to, Chain) else self.to


@dataclass(frozen=True, slots=True)
class Chain:
    """What a name under `models` stands for."""

    links: tuple[Link, ...]
    strategy: Strategy = "priority"
    fallback_on: frozenset[str] = frozenset()
    """`context_overflow` and `model_missing`, where the next endpoint is asked after them, too."""

    hedge_after: float | None = None
    """Seconds without a word after which the next one is asked as well."""

    boundary: Boundary | None = None

    @property
    def endpoints(self) -> tuple[ResolvedEndpoint, ...]:
        """As they are written."""
        return tuple(each for link in self.links for each in link.endpoints)


def in_order(chain: Chain, signs: Signs) -> tuple[ResolvedEndpoint, ...]:
    """As a run asks them. A chain within the chain stands where its own first endpoint would."""
    places = [(in_order(link.to, signs) if isinstance(link.to, Chain) else link.to, link) for link in chain.links]
    rank = _RANKS[chain.strategy]
    places.sort(key=lambda place: rank(place[0][0].endpoint, place[1].weight, signs))
    return tuple(endpoint for endpoints, _ in places for endpoint in endpoints)


def _as_written(endpoint: Endpoint, weight: float, signs: Signs) -> float:
    return 0.0


def _by_chance(endpoint: Endpoint, weight: float, signs: Signs) -> float:
    # Of waiting times that are exponential with these rates, each is the shortest as often as its share says.
    return -math.log(1.0 - signs.draw()) / weight


def _by_price(endpoint: Endpoint, weight: float, signs: Signs) -> float:
    price = signs.price(endpoint)
    # Prompts are longer than replies; three to one is what comparisons of models usually take.
    return math.inf if price is None else (3 * price.input + price.output) / 4


def _by_speed(endpoint: Endpoint, weight: float, signs: Signs) -> float:
    # Who was not measured lately comes first, and so is measured.
    return signs.seconds(endpoint) or 0.0


_RANKS: Final[Mapping[Strategy, Callable[[Endpoint, float, Signs], float]]] = {
    "priority": _as_written,
    "balance": _by_chance,
    "cheapest": _by_price,
    "fastest": _by_speed,
}
