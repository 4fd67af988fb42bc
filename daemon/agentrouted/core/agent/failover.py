"""From one endpoint of a chain to the next."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ContextOverflow, ModelMissing, ProviderAuth
from agentrouted.core.faults import fault_of
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.strategies import Chain
from agentrouted.core.usage.call import Crossing

_Answer = TypeVar("_Answer")


async def ask_in_turn(
    turn: Iterator[ResolvedEndpoint],
    ask: Callable[[ResolvedEndpoint], Awaitable[_Answer]],
    goes_on: Callable[[AgentroutedError, ResolvedEndpoint, ResolvedEndpoint], bool],
) -> _Answer:
    """What the first endpoint answers that does; after an error, `goes_on` says whether the next one is asked.

    Raises the error of the last one asked.
    """
    candidate = next(turn)
    while True:
        try:
            return await ask(candidate)
        except AgentroutedError as error:
            following = next(turn, None)
            if following is None or not goes_on(error, candidate, following):
                raise
            candidate = following


def falls_over(
    error: AgentroutedError, candidate: ResolvedEndpoint, following: ResolvedEndpoint, chain: Chain | None
) -> bool:
    """Whether `following` is asked after `candidate` failed so. What is wrong with the request is wrong everywhere."""
    fallback_on = chain.fallback_on if chain else frozenset()
    if isinstance(error, ContextOverflow):
        return "context_overflow" in fallback_on
    if isinstance(error, ModelMissing):
        return "model_missing" in fallback_on
    if isinstance(error, ProviderAuth):
        return _is_other_account(candidate.endpoint, following.endpoint)
    return fault_of(error).elsewhere


def crossing_of(chain: Sequence[ResolvedEndpoint], candidate: ResolvedEndpoint) -> Crossing:
    """Whether to ask this one of the chain is to leave this machine."""
    if candidate.endpoint.local:
        return "local"
    before = chain[: chain.index(candidate)]
    return "crossed" if any(each.endpoint.local for each in before) else "remote"


def _is_other_account(one: Endpoint, other: Endpoint) -> bool:
    return one.provider == other.provider and one.account != other.account
