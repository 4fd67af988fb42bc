"""The golden files: messages as they go over the wire."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentrouted_protocol.errors import ErrorObject
from agentrouted_protocol.methods import METHODS

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.json"))


@dataclass(frozen=True)
class Golden:
    """One value in a golden file: the `params`, `result` or `error` of a message."""

    file: str
    method: str
    member: str
    value: Any

    @property
    def type(self) -> Any:
        return ErrorObject if self.member == "error" else getattr(METHODS[self.method], self.member)

    @property
    def sent_by_us(self) -> bool:
        return (self.member == "params") == (METHODS[self.method].direction == "daemonToClient")

    def __str__(self) -> str:
        return f"{self.file}:{self.member}"


def golden_values() -> Iterator[Golden]:
    """The values of our own methods that are as they should be: not those of `initialize`, which are LSP's."""
    for file in FILES:
        request, *answers = json.loads(file.read_text())
        if request["method"] in METHODS:
            for message in (request, *answers):
                for member in ("params", "result", "error"):
                    if member in message and (file.stem, member) != ("error.invalidParams", "params"):
                        yield Golden(file.stem, request["method"], member, message[member])
