"""`resolve_model`: a model string as an object to ask."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from agentrouted.core.agent.listening import Hear, listen
from agentrouted.core.agent.single import paid_single_call, single_call
from agentrouted.core.endpoint import Endpoint, stricter
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.routing.candidates import candidates
from agentrouted.core.routing.keys import PLACEHOLDER
from agentrouted.core.routing.resolve import Resolution, resolve
from agentrouted.core.routing.vendors import LOCAL_KINDS
from agentrouted.core.services import Services
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest
from agentrouted.face.background import background, in_background
from agentrouted.face.channel import Channel
from agentrouted.face.failures import face_error
from agentrouted.face.llm import LLMChunk, LLMRequest, LLMResponse
from agentrouted.face.model_calls import from_chunks, from_reply, to_request
from agentrouted.face.this_program import this_program


def resolve_model(model: str, *, api_key: str | None = None, base_url: str | None = None) -> "RoutedModel":
    """Where a model string leads: `anthropic/claude-sonnet-4`, `ollama/llama3`, `http://host:8000/v1/id`, …

    Nothing is asked of any server. May be used by any number of runs, threads and event loops. Raises `ErrorAgent`
    for a string that leads nowhere; that no key is found is no error here.
    """
    try:
        resolution = resolve(background().snapshot(), model, api_key=api_key, base_url=base_url)
    except AgentroutedError as error:
        raise face_error(error) from error
    endpoint = resolution.endpoints[0].endpoint
    return RoutedModel(
        name=model,
        provider=endpoint.provider,
        model_id=endpoint.model_id,
        base_url=endpoint.base_url,
        api_key=_key(endpoint),
        given_key=api_key,
        given_url=base_url,
        resolution=resolution,
    )


@dataclass(frozen=True, eq=False)
class RoutedModel:
    """A model at its server. Agents take it as their `model`, and it can be asked by itself."""

    name: str
    """The model string that led here."""

    provider: str
    model_id: str
    base_url: str
    api_key: str | None = field(repr=False)
    given_key: str | None = field(repr=False)
    given_url: str | None = field(repr=False)
    resolution: Resolution = field(repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether the name alone leads here."""
        return self.given_key is None and self.given_url is None

    async def complete(self, request: LLMRequest) -> LLMResponse:
        """One call. Raises `ErrorAgent`."""
        asked = to_request(request)
        try:
            return from_reply(await in_background(lambda core: self._ask(core.services, request.model, asked)))
        except AgentroutedError as error:
            raise face_error(error) from error

    async def complete_stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """The same, as it comes. Whoever stops reading closes it (`contextlib.aclosing`), and so the connection."""
        asked = to_request(request)
        channel = Channel[Sequence[Chunk]]()
        job = background().start(lambda core: self._ask(core.services, request.model, asked, channel.put))
        job.when_done(channel.close)
        try:
            async for chunks in channel:
                for chunk in from_chunks(chunks):
                    yield chunk
            await job.result()
        except AgentroutedError as error:
            raise face_error(error) from error
        finally:
            job.cancel()

    async def close(self) -> None:
        """Nothing to do: all models of a program share its connections, which end with it."""

    async def _ask(
        self, services: Services, model_id: str | None, request: ModelRequest, hear: Hear | None = None
    ) -> ModelReply:
        endpoint = await services.connect(await self._endpoint(services, model_id))
        call = single_call("turn", self.name, endpoint, this_program())
        async with paid_single_call(services, call, endpoint, request) as (asked, recording):
            return await listen(services.stream(endpoint, asked), endpoint, recording, hear)

    async def _endpoint(self, services: Services, model_id: str | None) -> Endpoint:
        """With its price, if it is within the boundaries that hold for this program."""
        first = self.resolution.endpoints[0]
        named = replace(first, endpoint=replace(first.endpoint, model_id=model_id or self.model_id))
        boundary = stricter(self.resolution.boundary, services.config.current.boundary_in(this_program().folders))
        alone = replace(self.resolution, endpoints=(named,), chain=None)
        return (await candidates(alone, boundary, services.prices, services.health))[0].endpoint


def _key(endpoint: Endpoint) -> str | None:
    """The key, or for local servers, which need none, a word in its place: other clients insist on one."""
    key = endpoint.api_key.get_secret_value() if endpoint.api_key else None
    if key != PLACEHOLDER:
        return key
    return endpoint.provider if endpoint.provider in LOCAL_KINDS else None
