"""Why memory has found something, as a person reads it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agentrouted.core.in_words import in_words
from agentrouted_protocol.memory import MemoryHit

_FOUND: Final = {"text": "in the text", "around": "around it"}
_RANKINGS: Final = {"words": "by words", "vectors": "by meaning"}


def reasons(hit: MemoryHit) -> Iterator[str]:
    """A line each. None where it was not asked to explain."""
    if hit.explain is None:
        return
    words: Mapping[str, Mapping[str, Any]] = hit.explain.get("words") or {}
    yield f"score {hit.score:g}{_places(hit.explain)}"
    for word, found in words.items():
        yield f"{word}: {_FOUND[found['found']]}, {found['score']:g}; in {in_words(found['entries'], 'entry')}"
    if "wording" in hit.explain:
        yield f"the wording: times {hit.explain['wording']:g}"
    if "vectors" in hit.explain:
        yield f"by words alone: {hit.explain['vectors']}"


def _places(explain: Mapping[str, Any]) -> str:
    said = [f"place {place} {_RANKINGS[name]}" for name, place in (explain.get("ranks") or {}).items()]
    if "similarity" in explain:
        said.append(f"similarity {explain['similarity']:g}")
    return f": {', '.join(said)}" if said else ""
