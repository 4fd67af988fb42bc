"""Answers `model/probe`: a few tiny calls, and what they show."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic.alias_generators import to_camel

from agentrouted.core.agent.learning import learn_from
from agentrouted.core.agent.listening import listen
from agentrouted.core.agent.single import paid_single_call, single_call
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ProviderTimeout
from agentrouted.core.key_source import AskClient
from agentrouted.core.models import trials
from agentrouted.core.models.trials import Seen
from agentrouted.core.profiles import Finding, Findings, Value
from agentrouted.core.routing.candidates import candidates
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import Services
from agentrouted.core.usage import bill
from agentrouted.core.usage.call import NOBODY, Call, Caller
from agentrouted.core.wire.base import ModelReply, ModelRequest
from agentrouted.core.wire.scrub import scrub
from agentrouted_protocol.messages import Usage
from agentrouted_protocol.routing import ModelProbeParams, ModelProbeResult


async def probe(
    services: Services, params: ModelProbeParams, caller: Caller = NOBODY, ask_client: AskClient | None = None
) -> ModelProbeResult:
    """Asks the endpoint that a run would ask first; what it shows is kept as its profile.

    Raises what an ordinary call raises; what fails after one has succeeded is part of the answer.
    """
    resolution = resolve(services.config.current, params.model, asks_client=ask_client is not None)
    boundary = services.config.current.boundary_in(caller.folders)
    resolved = (await candidates(resolution, boundary, services.prices, services.health))[0]
    began, deadline = time.time(), asyncio.get_running_loop().time() + params.timeout
    try:
        async with asyncio.timeout_at(deadline):
            # What was learned is left aside: it is looked at anew.
            endpoint = await services.reach(resolved.endpoint, ask_client)
            probing = _Probing(services, endpoint, single_call("probe", params.model, endpoint, caller))
            talk = await probing.talk()
    except TimeoutError:
        raise _too_slow(resolved.endpoint, params.timeout) from None
    way, tools = await probing.try_tools(deadline)
    schema = await probing.try_out(trials.FILL_IN, trials.holds_to_schema, deadline)
    window = await _window(services, endpoint)
    seen = {"streaming": trials.streams(talk.chunks), "usage": trials.reports_usage(talk.reply),
            "tools": tools, "json_schema": schema}  # fmt: skip
    quirks = {name: each for name, each in (await services.profiles.of(endpoint)).items() if each.learned_at >= began}
    await services.profiles.replace(endpoint, {**quirks, **_findings(seen, way, window)})
    return _result(params.model, resolved, probing, talk, seen, window or endpoint.context_window)


async def _window(services: Services, endpoint: Endpoint) -> int | None:
    """Tokens, as the server itself says."""
    return endpoint.context_window if endpoint.is_embedded else await services.windows.of(endpoint, services.http)


@dataclass(frozen=True, slots=True)
class _Talk:
    reply: ModelReply
    chunks: int
    latency: float
    first_token: float | None


class _Probing:
    """The calls of one probe, and their bill."""

    def __init__(self, services: Services, endpoint: Endpoint, call: Call) -> None:
        self.endpoint = endpoint
        self.spent = Usage()
        self._services = services
        self._call = call

    async def talk(self) -> _Talk:
        while True:
            try:
                talk = await self._ask(trials.TALK)
            except AgentroutedError as error:
                learned = await learn_from(error, self.endpoint, self._services)
                if learned is None:
                    raise
                self.endpoint = learned
            else:
                self._services.troubles.forget(self.endpoint)
                return talk

    async def try_tools(self, deadline: float) -> tuple[trials.Way, Seen]:
        """The strictest way to have a tool called that is not refused as such."""
        for way, request in trials.CALLS.items():
            seen = await self.try_out(request, trials.calls_tools, deadline)
            if not trials.is_about_the_way(seen):
                return way, seen
        return way, Seen(None, seen.evidence)

    async def try_out(self, request: ModelRequest, judge: Callable[[ModelReply], Seen], deadline: float) -> Seen:
        try:
            async with asyncio.timeout_at(deadline):
                reply = (await self._ask(request)).reply
                seen = judge(replace(reply, text=self._scrubbed(reply.text)))
                return replace(seen, evidence=self._scrubbed(seen.evidence))
        except TimeoutError:
            return Seen(None, "could not be tried in time")
        except AgentroutedError as error:
            return trials.refused(error, local=self.endpoint.local)

    def _scrubbed(self, text: str) -> str:
        """Evidence is kept: some gateways show the key that they were sent."""
        return scrub(text, self.endpoint)

    async def _ask(self, request: ModelRequest) -> _Talk:
        recording = None
        try:
            async with paid_single_call(self._services, self._call, self.endpoint, request) as (request, recording):
                pieces: list[int] = []
                stream = self._services.stream(self.endpoint, request)
                reply = await listen(
                    stream, self.endpoint, recording, lambda batch: pieces.append(trials.pieces_of_text(batch))
                )
                return _Talk(reply, sum(pieces), recording.elapsed, recording.first_token)
        finally:
            if recording is not None and recording.spent is not None:
                self.spent = bill.add(self.spent, recording.spent)


def _findings(seen: Mapping[str, Seen], way: trials.Way, window: int | None) -> Findings:
    """What later runs go by. A model that made no call may yet make one: tools are tried until they are refused."""
    found: dict[str, tuple[Value, str]] = {}
    for name, each in seen.items():
        if each.value is not None:
            found["supports_tools" if name == "tools" else name] = (each.value, each.evidence)
    calls = seen["tools"].value is True
    if calls and way != "named":
        found["quirks.names_tools"] = (False, "a request that names the tool to call is refused")
    if seen["json_schema"].value is False and not (calls and way != "offered"):
        found["output_mode"] = ("offered" if calls else "prompted", "neither a schema nor a forced call is kept to")
    if window is not None:
        found["context_window"] = (window, "the server says so")
    return {name: Finding(value, evidence, "probe", time.time()) for name, (value, evidence) in found.items()}


def _result(
    model: str, resolved: ResolvedEndpoint, probing: _Probing, talk: _Talk, seen: dict[str, Seen], window: int | None
) -> ModelProbeResult:
    return ModelProbeResult(
        model=model,
        route=resolved.to_route(probing.endpoint.wire),
        latency=talk.latency,
        time_to_first_token=talk.first_token,
        streaming=seen["streaming"].value is True,
        tools=seen["tools"].value is True,
        json_schema=seen["json_schema"].value is True,
        usage=seen["usage"].value is True,
        context_window=window,
        spent=probing.spent,
        evidence={to_camel(name): each.evidence for name, each in seen.items()},
    )


def _too_slow(endpoint: Endpoint, seconds: float) -> ProviderTimeout:
    return ProviderTimeout(
        f"{endpoint.label} did not answer the probe within {seconds:g} s",
        hint="a model that has to be loaded first takes longer: try again, or with a larger `timeout`",
    )
