"""Reasoning as OpenRouter passes it on, to be given back."""

from typing import Any, Final

_GROWING: Final = frozenset({"text", "summary", "data"})


class ReasoningDetails:
    """Takes the `reasoning_details` of each delta (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens).

    Those of one index and type are pieces of one block.
    """

    def __init__(self) -> None:
        self._blocks: dict[Any, dict[str, Any]] = {}

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return list(self._blocks.values())

    def take(self, details: Any) -> None:
        for place, piece in enumerate(details if isinstance(details, list) else ()):
            if isinstance(piece, dict):
                index = piece.get("index", place)
                block = self._blocks.setdefault((str(index), str(piece.get("type"))), {})
                for name, value in piece.items():
                    before = block.get(name)
                    grows = name in _GROWING and isinstance(before, str) and isinstance(value, str)
                    if value is not None or name not in block:
                        block[name] = f"{before}{value}" if grows else value
