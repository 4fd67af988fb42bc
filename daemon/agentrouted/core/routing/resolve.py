"""A model string becomes a route: no network, no files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.endpoint import Boundary, Strategy
from agentrouted.core.errors import ConfigInvalid, InvalidParams, ModelUnresolved
from agentrouted.core.routing.address import Address, BadAddress, read_address
from agentrouted.core.routing.chains import first_fit
from agentrouted.core.routing.endpoints import Ask, ResolvedEndpoint
from agentrouted.core.routing.keys import explicit_key
from agentrouted.core.routing.strategies import Chain
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.config import Problem
from agentrouted_protocol.routing import Price as WirePrice
from agentrouted_protocol.routing import Route, Rule, TraceStep

MAX_LENGTH = 2000


@dataclass(frozen=True)
class Resolution:
    """Where a model string leads, with all that is needed to call it. `to_route` is what may be told of it."""

    rule: Rule
    endpoints: tuple[ResolvedEndpoint, ...]
    """Tried in this order; never empty."""

    trace: tuple[TraceStep, ...]
    """The last step is the rule that was taken."""

    warnings: tuple[str, ...]
    generation: int
    chain: Chain | None = None
    """How the endpoints belong together, where a name of the config stands for them."""

    @property
    def boundary(self) -> Boundary | None:
        """Of the name that was resolved, or of one it leads to."""
        return self.chain.boundary if self.chain else None

    def to_route(self) -> Route:
        first, *others = self.endpoints
        price = first.endpoint.price
        return Route(
            **dict(first.to_route()),
            rule=self.rule,
            fallbacks=[other.to_route() for other in others],
            context_window=first.endpoint.context_window,
            price=WirePrice(input=price.input, output=price.output, cached=price.cached) if price else None,
            trace=list(self.trace),
            warnings=list(self.warnings),
            config_generation=self.generation,
        )


def resolve(
    snapshot: Snapshot,
    model: str,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    asks_client: bool = False,
) -> Resolution:
    """The first rule that fits decides. The same question under the same snapshot has the same answer.

    `asks_client` says that the client gives keys that are kept nowhere else.

    Raises ModelUnresolved for a model string that leads nowhere, InvalidParams for a bad `base_url` or `api_key`, and
    ConfigInvalid where the environment or the config says something impossible. A missing key is no error here.
    """
    ask = Ask(snapshot, _checked(model), explicit_key(api_key), _explicit_base(base_url), asks_client=asks_client)
    rule, fit, skipped = first_fit(ask)
    if snapshot.in_doubt and not any(each.endpoint.local for each in fit.endpoints):
        raise _in_doubt(snapshot.in_doubt)
    return Resolution(
        rule=rule,
        endpoints=fit.endpoints,
        trace=(
            *skipped,
            *_found(fit.endpoints),
            *_rules_of(fit.chain),
            TraceStep(step=rule, outcome="taken", why=fit.why),
        ),
        warnings=(*_config_warnings(snapshot), *fit.warnings, *_left_out(fit.endpoints)),
        generation=snapshot.generation,
        chain=fit.chain,
    )


def _in_doubt(problem: Problem) -> ConfigInvalid:
    line = f":{problem.range.start.line + 1}" if problem.range else ""
    mend = f": {problem.hint}" if problem.hint else ""
    return ConfigInvalid(
        f"{problem.file}{line} is not in force, and what it limits is not known: {problem.message}",
        hint=f"until it is mended, only models of this machine are asked for who works in its folder{mend}",
    )


def _checked(model: str) -> str:
    model = model.strip()
    if not model:
        raise ModelUnresolved("the model string is empty", hint="name a model, such as `ollama/llama3`")
    if len(model) > MAX_LENGTH:
        raise ModelUnresolved(f"the model string is longer than {MAX_LENGTH} characters", hint="name one model")
    if not model.isprintable():
        raise ModelUnresolved(
            "the model string has a line break or another character that does not show", hint="type it anew"
        )
    return model


def _explicit_base(base_url: str | None) -> Address | None:
    if not (base_url or "").strip():
        return None
    try:
        return read_address(base_url or "")
    except BadAddress as error:
        raise InvalidParams(f"`baseUrl` is not an address: {error.reason}", hint=error.mend) from error


def _found(endpoints: tuple[ResolvedEndpoint, ...]) -> Iterator[TraceStep]:
    for resolved in endpoints:
        if len(endpoints) > 1:
            yield TraceStep(step="endpoint", outcome="found", why=resolved.endpoint.label)
        yield from resolved.found


def _rules_of(chain: Chain | None) -> Iterator[TraceStep]:
    if chain is None:
        return
    if chain.strategy != "priority":
        why = f"`{chain.strategy}`: {_STRATEGIES[chain.strategy]}"
        yield TraceStep(step="strategy", outcome="found", why=why)
    if chain.hedge_after:
        why = f"who says no word for {chain.hedge_after:g} s is not waited for alone: the next is asked as well"
        yield TraceStep(step="hedge", outcome="found", why=why)
    if chain.boundary:
        yield TraceStep(step="boundary", outcome="found", why=f"`{chain.boundary}`: who is beyond it is not asked")


_STRATEGIES: Final[Mapping[Strategy, str]] = {
    "balance": "each run begins with one of them, by chance and weight",
    "cheapest": "in order of price",
    "fastest": "runs begin with the one whose replies lately began soonest",
}


def _left_out(endpoints: tuple[ResolvedEndpoint, ...]) -> Iterator[str]:
    """What the config wishes of a model, and cannot be told to it."""
    for resolved in endpoints:
        if resolved.endpoint.think is not None:
            yield from suited(resolved.endpoint, _NO_REQUEST).warnings


_NO_REQUEST = ModelRequest(messages=())


def _config_warnings(snapshot: Snapshot) -> Iterator[str]:
    for problem in snapshot.problems:
        if problem.severity == "error":
            where = f"{problem.file}: " if snapshot.joined else ""
            yield f"the configuration as it is written is not in force: {where}{problem.message}"
