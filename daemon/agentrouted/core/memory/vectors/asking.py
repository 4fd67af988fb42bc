"""One batch of texts becomes vectors, whatever is in it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agentrouted.core.errors import (
    AgentroutedError,
    Conflict,
    ContextOverflow,
    GuardrailBlocked,
    ProviderError,
    ProviderTimeout,
)
from agentrouted.core.memory.vectors.embed import Embed, Embedded
from agentrouted.core.memory.vectors.missing import Batch, Within

LONGEST_CALL: Final = 100.0
"""Seconds."""

SHORTER: Final = 500
"""Characters: how much is left of a text that a model does not take."""

# A text that any model takes.
_PLAIN: Final = "text"

# Statuses with which a text is refused that is too long, or strange: llama.cpp says 500.
_REFUSALS: Final = frozenset({400, 413, 422, 500})


@dataclass(frozen=True, slots=True)
class Asking:
    """Which model is asked, and what its vectors are called."""

    embed: Embed
    model: str
    space: str


async def vectors_of(asking: Asking, batch: Batch) -> list[Sequence[float] | None]:
    """One for each text; None where the model refuses the text.

    Raises what an ordinary call raises, where the fault is not in a text.
    """
    said = [text for text in batch.texts if text]
    try:
        made: Sequence[Sequence[float] | None] = await _ask(asking, said, batch.within) if said else []
    except AgentroutedError as error:
        if not is_about_the_text(error):
            raise
        made = await _one_by_one(asking, said, batch.within, error)
    left = iter(made)
    return [next(left) if text else None for text in batch.texts]


async def _one_by_one(
    asking: Asking, texts: Sequence[str], within: Within, error: AgentroutedError
) -> list[Sequence[float] | None]:
    here = within._replace(boundary="local")
    try:
        try:
            await _ask(asking, [_PLAIN], here)
            within = here
        except GuardrailBlocked:
            if not _is_refusal(error, within):
                raise
            await _ask(asking, [_PLAIN], within)
    except AgentroutedError:
        # It takes none at all.
        raise error from None
    return [await _one(asking, text, within) for text in texts]


async def _one(asking: Asking, text: str, within: Within) -> Sequence[float] | None:
    for tried in dict.fromkeys((text, text[:SHORTER])):
        try:
            return (await _ask(asking, [tried], within))[0]
        except AgentroutedError as error:
            if not _is_refusal(error, within):
                raise
    return None


async def _ask(asking: Asking, texts: Sequence[str], within: Within) -> Sequence[Sequence[float]]:
    try:
        async with asyncio.timeout(LONGEST_CALL):
            embedded = await asking.embed(asking.model, texts, within.workspace, boundary=within.boundary)
    except TimeoutError:
        raise ProviderTimeout(f"`{asking.model}` took more than {LONGEST_CALL:g} s for {len(texts)} texts") from None
    return checked(asking, embedded)


def checked(asking: Asking, embedded: Embedded) -> Sequence[Sequence[float]]:
    if embedded.space != asking.space:
        raise Conflict(f"`{asking.model}` has become another model meanwhile")
    return embedded.vectors


def is_about_the_text(error: AgentroutedError) -> bool:
    """Whether the text may be the cause, and the model takes others."""
    if isinstance(error, ContextOverflow):
        return True
    return isinstance(error, ProviderError) and error.provider is not None and error.provider.status in _REFUSALS


def _is_refusal(error: AgentroutedError, within: Within) -> bool:
    """A 500 of a model elsewhere says nothing about the text: it is a fault that passes."""
    is_fault = error.provider is not None and error.provider.status == 500
    return is_about_the_text(error) and (within.boundary == "local" or not is_fault)
