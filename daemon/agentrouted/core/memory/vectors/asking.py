"""One batch of texts becomes vectors, whatever is in it."""

import asyncio
from collections.abc import Sequence
from typing import Final

from agentrouted.core.errors import AgentroutedError, ContextOverflow, GuardrailBlocked, ProviderError, ProviderTimeout
from agentrouted.core.in_words import in_words
from agentrouted.core.memory.vectors.embed import Embedder, Within
from agentrouted.core.memory.vectors.missing import Batch

LONGEST_CALL: Final = 100.0
"""Seconds."""

SHORTER: Final = 500
"""Characters: how much is left of a text that a model does not take."""

ANY_TEXT: Final = "text"
"""Nobody's words, which any model takes."""

# Statuses with which a text is refused that is too long, or strange: llama.cpp says 500.
_REFUSALS: Final = frozenset({400, 413, 422, 500})


async def vectors_of(embedder: Embedder, batch: Batch) -> list[Sequence[float]]:
    """One for each text; empty where the model refuses the text.

    Raises what an ordinary call raises, where the fault is not in a text.
    """
    said = [text for text in batch.texts if text]
    try:
        made = await _ask(embedder, said, batch.within) if said else []
    except AgentroutedError as error:
        if not is_about_the_text(error):
            raise
        made = await _one_by_one(embedder, said, batch.within, error)
    left = iter(made)
    return [next(left) if text else () for text in batch.texts]


async def _one_by_one(
    embedder: Embedder, texts: Sequence[str], within: Within, error: AgentroutedError
) -> Sequence[Sequence[float]]:
    here = within._replace(boundary="local")
    try:
        try:
            await _ask(embedder, [ANY_TEXT], here)
            within = here
        except GuardrailBlocked:
            if not _is_refusal(error, within):
                raise
            await _ask(embedder, [ANY_TEXT], within)
    except AgentroutedError:
        # It takes none at all.
        raise error from None
    return [await _one(embedder, text, within) for text in texts]


async def _one(embedder: Embedder, text: str, within: Within) -> Sequence[float]:
    for tried in dict.fromkeys((text, text[:SHORTER])):
        try:
            return (await _ask(embedder, [tried], within))[0]
        except AgentroutedError as error:
            if not _is_refusal(error, within):
                raise
    return ()


async def _ask(embedder: Embedder, texts: Sequence[str], within: Within) -> Sequence[Sequence[float]]:
    try:
        async with asyncio.timeout(LONGEST_CALL):
            return await embedder.vectors(texts, within)
    except TimeoutError:
        count = in_words(len(texts), "text")
        raise ProviderTimeout(f"`{embedder.model}` took more than {LONGEST_CALL:g} s for {count}") from None


def is_about_the_text(error: AgentroutedError) -> bool:
    """Whether the text may be the cause, and the model takes others."""
    if isinstance(error, ContextOverflow):
        return True
    return isinstance(error, ProviderError) and error.provider is not None and error.provider.status in _REFUSALS


def _is_refusal(error: AgentroutedError, within: Within) -> bool:
    """A 500 of a model elsewhere says nothing about the text: it is a fault that passes."""
    is_fault = error.provider is not None and error.provider.status == 500
    return is_about_the_text(error) and (within.boundary == "local" or not is_fault)
