"""Summaries that were paid for already."""

from collections.abc import Sequence
from typing import Final

MOST_SUMMARIES: Final = 256


class Summaries:
    """By what they sum up, as a digest. Runs share one; what was not used for the longest time goes first."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, str] = {}

    def longest(self, digests: Sequence[bytes]) -> tuple[int, str]:
        """How many turns the longest known summary covers, and its text, where digest `i` stands for `i + 1` turns."""
        for covered in range(len(digests), 0, -1):
            if (summary := self._by_digest.pop(digests[covered - 1], None)) is not None:
                self._by_digest[digests[covered - 1]] = summary
                return covered, summary
        return 0, ""

    def keep(self, digest: bytes, summary: str) -> None:
        self._by_digest[digest] = summary
        if len(self._by_digest) > MOST_SUMMARIES:
            del self._by_digest[next(iter(self._by_digest))]
