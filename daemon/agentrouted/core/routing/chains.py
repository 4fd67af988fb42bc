"""All rules in order, and those that lead to a chain."""

from collections.abc import Callable
from dataclasses import replace

from agentrouted.core.config.virtual_model import ChainLink, VirtualModel
from agentrouted.core.endpoint import stricter
from agentrouted.core.errors import ConfigInvalid, ModelUnresolved
from agentrouted.core.routing.endpoints import Ask
from agentrouted.core.routing.providers import provider_named
from agentrouted.core.routing.rules import Answer, Fit, at_provider, fallback_base, openrouter, provider, url
from agentrouted.core.routing.strategies import Chain, Link
from agentrouted.core.routing.vendors import vendor_of
from agentrouted_protocol.routing import Rule, TraceStep


def first_fit(ask: Ask) -> tuple[Rule, Fit, list[TraceStep]]:
    """The first rule that fits, where it leads, and why the ones before it do not fit."""
    skipped: list[TraceStep] = []
    for name, rule in RULES:
        answer = rule(ask)
        if isinstance(answer, Fit):
            return name, answer, skipped
        skipped.append(TraceStep(step=name, outcome="skipped", why=answer))
    raise AssertionError("the last rule fits everything")


def virtual_model(ask: Ask) -> Answer:
    """A name under `models`, exactly."""
    model = ask.snapshot.config.models.get(ask.model)
    if model is None or "*" in ask.model:
        return "it is no name under `models`"
    if ask.inside[-1:] == (ask.model,) and ("/" in ask.model or vendor_of(ask.model)):
        # `gpt-4o: [gpt-4o, ollama/llama3]`: the model itself, with a fallback.
        return "in its own chain, the name means the model itself"
    return _chain(ask, ask.model, model, None)


def pattern(ask: Ask) -> Answer:
    """A pattern under `models`: the longest that fits."""
    if ask.inside:
        # What a chain leads to is written out by the user; a pattern must not put another place there.
        return "endpoints of a chain are not matched against patterns"
    models = ask.snapshot.config.models
    fitting = {name: matched for name in models if (matched := _matched(name, ask.model)) is not None}
    if not fitting:
        return "no pattern under `models` fits"
    longest = max(fitting, key=len)
    return _chain(ask, longest, models[longest], fitting[longest])


def _matched(name: str, model: str) -> str | None:
    """What the `*` of a pattern stands for; None if it does not fit."""
    before, star, after = name.lower().partition("*")
    lowered, end = model.lower(), len(model) - len(after)
    fits = star and end >= len(before) and lowered.startswith(before) and lowered.endswith(after)
    return model[len(before) : end] if fits else None


RULES: tuple[tuple[Rule, Callable[[Ask], Answer]], ...] = (
    ("virtualModel", virtual_model),
    ("url", url),
    ("provider", provider),
    ("pattern", pattern),
    ("fallbackBase", fallback_base),
    ("openrouter", openrouter),
)


def _chain(ask: Ask, name: str, model: VirtualModel, matched: str | None) -> Fit:
    """Where the entry `name` leads; in its endpoints, `*` stands for what the `*` of the pattern has matched."""
    if name in ask.inside:
        circle = " → ".join((*ask.inside, name))
        raise ConfigInvalid(f"`models` go in a circle: {circle}", hint="name a provider's model: `<provider>/<model>`")
    inner = replace(ask, inside=(*ask.inside, name))
    fits: list[Fit] = []
    for link in model.endpoints:
        fit = _follow(inner, link, matched)
        if ask.api_key and fits and fit.endpoints[0].address.origin != fits[0].endpoints[0].address.origin:
            # The caller's key is for the first endpoint; another host has to have its own.
            fit = _follow(replace(inner, api_key=None), link, matched)
        fits.append(fit)
    chain = Chain(
        links=tuple(
            Link(fit.chain or fit.endpoints, link.weight) for fit, link in zip(fits, model.endpoints, strict=True)
        ),
        strategy=model.strategy,
        fallback_on=model.fallback_on,
        hedge_after=model.hedge_after,
        boundary=stricter(model.boundary, *(fit.chain.boundary for fit in fits if fit.chain)),
    )
    warnings = tuple(warning for fit in fits for warning in fit.warnings)
    return Fit(f"`{name}` is written under `models`", chain.endpoints, warnings, chain)


def _follow(ask: Ask, link: ChainLink, matched: str | None) -> Fit:
    model = link.model if matched is None else link.model.replace("*", matched)
    name = f"models.{ask.inside[-1]}"
    if link.provider is None:
        try:
            return first_fit(replace(ask, model=model))[1]
        except ModelUnresolved as error:
            raise ModelUnresolved(f"`{name}`: {error.message}", hint=error.hint) from error
    known = provider_named(ask.snapshot, link.provider)
    if known is None:
        hint = f"add it under `providers.{link.provider}`"
        raise ConfigInvalid(f"`{name}`: the provider `{link.provider}` is not known", hint=hint)
    return Fit("the chain names it", at_provider(ask, known, model))
