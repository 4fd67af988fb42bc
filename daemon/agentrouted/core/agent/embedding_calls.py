"""Embeddings made by a model: who is asked, and who pays."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.failover import ask_in_turn, crossing_of, falls_over
from agentrouted.core.agent.paid import paid_call
from agentrouted.core.agent.retrying import wait_before_again
from agentrouted.core.agent.single import paid_single_call, single_call
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Boundary, Endpoint, model_string, stricter
from agentrouted.core.errors import AgentroutedError, GuardrailBlocked, ProviderAuth
from agentrouted.core.key_source import AskClient
from agentrouted.core.memory.vectors.embed import Embed, Embedded
from agentrouted.core.routing.candidates import candidates, in_turn
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.resolve import Resolution, resolve
from agentrouted.core.services import Services
from agentrouted.core.usage.call import NOBODY, Caller, Crossing
from agentrouted.core.usage.recording import Recording
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.embeddings import embed, embedding_request

Paying = AbstractAsyncContextManager[tuple[ModelRequest, Recording]]
"""The call that is made within is paid for, and in the ledger. Raises `BudgetExceeded`."""


@dataclass(frozen=True, slots=True)
class _OnBehalf:
    """Of a client, of a run, or of nobody in particular."""

    services: Services
    pay: Callable[[str, Crossing, Endpoint, ModelRequest], Paying]
    """For the model as it was asked for."""

    boundary: Callable[[str], Boundary | None]
    """Of the texts of a workspace."""

    ask_client: AskClient | None = None


def embedding_for(services: Services, caller: Caller = NOBODY, ask_client: AskClient | None = None) -> Embed:
    """For a client, or for nobody in particular."""

    def pay(model: str, crossing: Crossing, endpoint: Endpoint, request: ModelRequest) -> Paying:
        call = single_call("embedding", model, endpoint, caller, crossing)
        return paid_single_call(services, call, endpoint, request)

    def boundary(workspace: str) -> Boundary | None:
        return services.config.current.boundary_in([*caller.folders, workspace])

    return partial(_embed, _OnBehalf(services, pay, boundary, ask_client))


def embedding_in(run: RunContext) -> Embed:
    """For a run: on its bill, and within its boundary."""

    def pay(_: str, crossing: Crossing, endpoint: Endpoint, request: ModelRequest) -> Paying:
        return paid_call(run, endpoint, request, "embedding", crossing)

    def boundary(workspace: str) -> Boundary | None:
        return stricter(run.plan.boundary, run.services.config.current.boundary_in([workspace]))

    ask_client = run.audience.get_secret if run.audience.takes_secrets else None
    return partial(_embed, _OnBehalf(run.services, pay, boundary, ask_client))


def asked_once(embed: Embed) -> Embed:
    """For a question that is asked again, of more rows: it is the same vector."""
    made: dict[tuple[str, ...], Embedded] = {}

    async def embed_once(
        model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None
    ) -> Embedded:
        key = tuple(texts)
        if key not in made:
            made[key] = await embed(model, texts, workspace, boundary=boundary)
        return made[key]

    return embed_once


def space_of(snapshot: Snapshot, model: str) -> str:
    """What the vectors of a model are called. Raises what `resolve` raises."""
    return _space(resolve(snapshot, model))


async def _embed(
    behalf: _OnBehalf, model: str, texts: Sequence[str], workspace: str, *, boundary: Boundary | None = None
) -> Embedded:
    services, request = behalf.services, embedding_request(texts)
    resolution = resolve(services.config.current, model, asks_client=behalf.ask_client is not None)
    within = stricter(boundary, behalf.boundary(workspace))
    chain = await candidates(resolution, within, services.prices, services.health)
    same = _same_model(resolution, chain)

    async def ask(candidate: ResolvedEndpoint) -> Sequence[Sequence[float]]:
        pay = partial(behalf.pay, model, crossing_of(same, candidate))
        return await _ask_again(behalf, candidate.endpoint, request, pay)

    vectors = await ask_in_turn(
        in_turn(same, services.health),
        ask,
        lambda error, candidate, following: falls_over(error, candidate, following, resolution.chain),
    )
    return Embedded(_space(resolution), vectors)


async def _ask_again(
    behalf: _OnBehalf, found: Endpoint, request: ModelRequest, pay: Callable[[Endpoint, ModelRequest], Paying]
) -> Sequence[Sequence[float]]:
    """Again where that helps at once. There is time for no more: a question waits, and batches have their own."""
    services = behalf.services
    services.health.is_asked(found)
    tries = 0
    while True:
        endpoint = await services.reach(found, behalf.ask_client, for_embeddings=True)
        try:
            async with pay(endpoint, request) as (allowed, recording):
                vectors, reply = await embed(services.http, endpoint, allowed)
                recording.hear([reply])
        except AgentroutedError as error:
            tries += 1
            services.health.failed(found, error)
            if isinstance(error, ProviderAuth) and endpoint.forget_key is not None:
                endpoint.forget_key()
            if wait_before_again(error, tries, endpoint) != 0.0 or services.health.is_open(found):
                raise
        else:
            services.health.answered(found, recording.first_token)
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
