"""Texts become vectors: who is asked for it, and who pays."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from agentrouted.core.agent.budgets import within_budgets
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.failover import ask_in_turn, falls_over
from agentrouted.core.agent.paid import paid_call
from agentrouted.core.agent.retrying import wait_before_again
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Boundary, Endpoint, model_string, stricter
from agentrouted.core.errors import AgentroutedError, GuardrailBlocked, ProviderAuth
from agentrouted.core.key_source import AskClient
from agentrouted.core.memory.vectors.embedding import Embed, Embedded
from agentrouted.core.routing.candidates import candidates, in_turn
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.resolve import Resolution, resolve
from agentrouted.core.services import Services
from agentrouted.core.usage.call import NOBODY, Call, Caller
from agentrouted.core.usage.call import Boundary as Crossing
from agentrouted.core.usage.recording import Recording, recorded
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.embeddings import embed, embedding_request

Pay = Callable[[str, Endpoint, ModelRequest, Crossing], AbstractAsyncContextManager[Recording]]
"""The call of this model that is made within is paid for, and in the ledger. Raises `BudgetExceeded`."""


@dataclass(frozen=True, slots=True)
class _Asker:
    """On whose behalf."""

    services: Services
    pay: Pay
    boundary: Callable[[str], Boundary | None]
    """Of the texts of a workspace."""

    ask_client: AskClient | None = None


def embedding_for(services: Services, caller: Caller = NOBODY, ask_client: AskClient | None = None) -> Embed:
    """For a client, or for nobody in particular."""

    def boundary(workspace: str) -> Boundary | None:
        return services.config.current.config.boundary_in([*caller.folders, workspace])

    pay = partial(_paid, services, caller)
    return partial(_embed, _Asker(services, pay, boundary, ask_client))


def embedding_in(run: RunContext) -> Embed:
    """For a run: on its bill, and within its boundary."""

    def boundary(workspace: str) -> Boundary | None:
        return stricter(run.plan.boundary, run.services.config.current.config.boundary_in([workspace]))

    ask_client = run.audience.get_secret if run.audience.takes_secrets else None
    pay = partial(_paid_by_run, run)
    return partial(_embed, _Asker(run.services, pay, boundary, ask_client))


def space_of(snapshot: Snapshot, model: str) -> str:
    """What the vectors of a model are called. Raises what `resolve` raises."""
    return _space(resolve(snapshot, model))


async def _embed(
    asker: _Asker, model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None
) -> Embedded:
    services = asker.services
    resolution = resolve(services.config.current, model, asks_client=asker.ask_client is not None)
    within = stricter(boundary, asker.boundary(workspace))
    chain = await candidates(resolution, within, services.prices, services.health)
    same = _same_model(resolution, chain)

    async def ask(candidate: ResolvedEndpoint) -> Sequence[Sequence[float]]:
        return await _ask_again(asker, model, texts, candidate, _crossing(same, candidate))

    vectors = await ask_in_turn(
        in_turn(same, services.health),
        ask,
        lambda error, candidate, following: falls_over(error, candidate, following, resolution.chain),
    )
    return Embedded(_space(resolution), vectors)


async def _ask_again(
    asker: _Asker, model: str, texts: Sequence[str], candidate: ResolvedEndpoint, crossing: Crossing
) -> Sequence[Sequence[float]]:
    """Once more where that helps at once. There is time for no more: a question waits, and batches have their own."""
    try:
        return await _ask(asker, model, texts, candidate, crossing)
    except AgentroutedError as error:
        if wait_before_again(error, 1, candidate.endpoint) != 0.0:
            raise
    return await _ask(asker, model, texts, candidate, crossing)


async def _ask(
    asker: _Asker, model: str, texts: Sequence[str], candidate: ResolvedEndpoint, crossing: Crossing
) -> Sequence[Sequence[float]]:
    services, request = asker.services, embedding_request(texts)
    endpoint = await services.reach(candidate.endpoint, asker.ask_client, for_embeddings=True)
    try:
        async with asker.pay(model, endpoint, request, crossing) as recording:
            vectors, reply = await embed(services.http, endpoint, request)
            recording.hear([reply])
    except AgentroutedError as error:
        services.health.failed(candidate.endpoint, error)
        if isinstance(error, ProviderAuth) and endpoint.forget_key is not None:
            endpoint.forget_key()
        raise
    services.health.answered(candidate.endpoint, recording.first_token)
    return vectors


def _same_model(resolution: Resolution, chain: Iterable[ResolvedEndpoint]) -> list[ResolvedEndpoint]:
    """Those of a chain that have the model it begins with: vectors of others do not compare."""
    first = _name(resolution.endpoints[0])
    same = [each for each in chain if _name(each) == first]
    if not same:
        raise GuardrailBlocked(
            f"the boundary leaves only other models than {resolution.endpoints[0].endpoint.label}, whose vectors "
            "do not compare",
            hint="name the same model in all places of the chain",
        )
    return same


def _name(candidate: ResolvedEndpoint) -> str:
    """`openai/text-embedding-3-small` at OpenRouter is `text-embedding-3-small` at OpenAI."""
    return candidate.endpoint.model_id.rpartition("/")[2].casefold()


def _space(resolution: Resolution) -> str:
    endpoint = resolution.endpoints[0].endpoint
    return model_string(endpoint.provider, endpoint.base_url, endpoint.model_id)


def _crossing(chain: Sequence[ResolvedEndpoint], candidate: ResolvedEndpoint) -> Crossing:
    if candidate.endpoint.local:
        return "local"
    return "crossed" if any(each.endpoint.local for each in chain[: chain.index(candidate)]) else "remote"


@asynccontextmanager
async def _paid(
    services: Services, caller: Caller, model: str, endpoint: Endpoint, request: ModelRequest, crossing: Crossing
) -> AsyncIterator[Recording]:
    ledger, name = await services.ledger.get(), f"embedding-{uuid4().hex}"
    call = Call(
        run_id=name,
        tree=name,
        kind="embedding",
        provider=endpoint.provider,
        model=endpoint.model_id,
        asked=model,
        boundary=crossing,
        caller=caller,
    )
    request, opened = await within_budgets(services, call, endpoint, request)
    with recorded(ledger, call, endpoint, request, opened) as recording:
        yield recording


@asynccontextmanager
async def _paid_by_run(
    run: RunContext, model: str, endpoint: Endpoint, request: ModelRequest, crossing: Crossing
) -> AsyncIterator[Recording]:
    async with paid_call(run, endpoint, request, "embedding", crossing) as (_, recording):
        yield recording
