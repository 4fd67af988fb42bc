"""A model server that knows what a few words mean."""

from collections.abc import Sequence
from typing import Any

from agentrouted.testing.upstream import Received, Reply

MEANINGS = ({"color", "colour", "blue", "hue"}, {"tea", "drink", "beverage"}, {"dog", "pet", "rex"}, {"car", "vehicle"})
"""Words that mean nearly the same: a text has one direction for each set that it has words of."""


def vector_of(text: str, dimensions: int = 8) -> list[float]:
    words = [word.strip(".,?!:").casefold() for word in text.split()]
    known = [float(sum(word in meaning for word in words)) for meaning in MEANINGS]
    # What it does not know points somewhere else.
    return [*known, 0.1, *[0.0] * (dimensions - len(MEANINGS) - 1)]


def openai(request: Received) -> Reply:
    """`POST /v1/embeddings`, out of order."""
    texts = request.body["input"]
    data = [{"index": place, "embedding": vector_of(text)} for place, text in enumerate(texts)]
    usage = {"prompt_tokens": 5 * len(texts), "total_tokens": 5 * len(texts)}
    return Reply.json({"object": "list", "model": "served", "data": data[::-1], "usage": usage})


def texts_in(requests: Sequence[Received]) -> list[list[Any]]:
    """What was asked, call by call."""
    return [request.body["input"] for request in requests]
