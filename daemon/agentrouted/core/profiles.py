"""What was found out about endpoints, and what follows."""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import Storage
from agentrouted.core.quirks.profile import quirks_of
from agentrouted.core.storage.shared import SharedDatabase

logger = logging.getLogger(__name__)

Source = Literal["probe", "run"]
Value = bool | int | str

# Seconds. Runs learn again with one refused request; a probe costs several calls.
_HOLDS: Final[Mapping[Source, float]] = {"run": 86400.0, "probe": 30 * 86400.0}

# Seconds after which the database is asked again: other processes learn, too.
_FRESH: Final = 60.0

_LAID: Final = frozenset({"json_schema", "supports_tools", "output_mode", "context_window"})
"""The findings that are fields of an `Endpoint`; the others are for people."""


@dataclass(frozen=True, slots=True)
class Finding:
    value: Value
    evidence: str
    """What was seen, for people; neither a prompt nor a key."""

    source: Source
    learned_at: float
    """Seconds since 1970."""

    @property
    def holds(self) -> bool:
        return time.time() - self.learned_at < _HOLDS[self.source]


Findings = Mapping[str, Finding]
"""By the name of what was found: a field of `Endpoint`, `streaming`, `usage`, or `quirks.…`."""

_NOTHING: Final[tuple[float, Findings]] = (float("-inf"), {})
"""Of an endpoint that was never looked up."""

_QUIRKS: Final = "quirks."


@dataclass(frozen=True, slots=True)
class Place:
    """Whom findings are about: one model, at one address, spoken to in one format."""

    base_url: str
    wire: str
    model_id: str
    provider: str = field(default="", compare=False)

    @classmethod
    def of(cls, endpoint: Endpoint) -> "Place":
        # A child of the daemon has the same URL whatever it runs; its socket is another each time.
        base_url = "embedded:" if endpoint.is_embedded else endpoint.base_url
        return cls(base_url, endpoint.wire, endpoint.model_id, endpoint.provider)


class Profiles:
    """What was found of each endpoint, kept in the database; where there is none, for as long as the process lives."""

    def __init__(self, database: SharedDatabase | None = None) -> None:
        self._shared = database or SharedDatabase()
        self._known: dict[Place, tuple[float, Findings]] = {}

    async def laid_on(self, endpoint: Endpoint) -> Endpoint:
        """The connected endpoint with what is known of it. What the config says stays as it is."""
        findings = await self.of(endpoint)
        learned: dict[str, Any] = {
            name: finding.value
            for name, finding in findings.items()
            if name in _LAID and name not in endpoint.configured and finding.holds
        }
        if endpoint.local:
            # A server of this machine is asked, each time: it may have been started anew.
            learned.pop("context_window", None)
        if quirks := _layer(findings):
            learned["probed"] = quirks
        return replace(endpoint, **learned) if learned else endpoint

    async def of(self, endpoint: Endpoint) -> Findings:
        """Also those that do not hold any more."""
        place = Place.of(endpoint)
        known = self._known.get(place, _NOTHING)
        if time.monotonic() - known[0] > _FRESH and self._shared.is_there:
            findings = await self._read_one(place, known[1])
            # Whoever was faster has read it, too, and may have learned more since.
            if self._known.get(place, _NOTHING) is known:
                self._known[place] = (time.monotonic(), findings)
        return self._known.get(place, _NOTHING)[1]

    async def all(self) -> Mapping[Place, Findings]:
        """Of every endpoint, as the database has them now."""
        if self._shared.path is None:
            return {place: findings for place, (_, findings) in self._known.items() if findings}
        try:
            rows = await (await self._shared.get()).read(_read_all)
        except Storage as error:
            logger.warning("the profiles of endpoints cannot be read: %s", error.message)
            return {place: findings for place, (_, findings) in self._known.items() if findings}
        found: dict[Place, dict[str, Finding]] = {}
        for place, row in rows:
            found.setdefault(Place(*place), {}).update(_finding(row))
        return found

    async def learn(self, endpoint: Endpoint, name: str, value: Value, evidence: str) -> None:
        """What a run came across."""
        await self.of(endpoint)
        place, finding = Place.of(endpoint), Finding(value, evidence, "run", time.time())
        read_at, known = self._known.get(place, _NOTHING)
        self._known[place] = (read_at, {**known, name: finding})
        # No other row: processes learn at the same time.
        await self._keep(endpoint, lambda connection: _put(connection, place, {name: finding}))

    async def without(self, endpoint: Endpoint, parameter: str, called: Value, evidence: str) -> Endpoint | None:
        """The endpoint that gets a parameter under another name, or not at all; None where that changes nothing."""
        if endpoint.wire != "chat_completions" or quirks_of(endpoint).parameters.get(parameter, True) == called:
            return None
        await self.learn(endpoint, f"{_QUIRKS}parameters.{parameter}", called, evidence)
        learned = await self.laid_on(endpoint)
        return learned if quirks_of(learned).parameters.get(parameter, True) == called else None

    async def replace(self, endpoint: Endpoint, findings: Findings) -> None:
        """What a probe has found, in place of all that was known."""
        place = Place.of(endpoint)
        self._known[place] = (time.monotonic(), findings)
        await self._keep(endpoint, lambda connection: _replace(connection, place, findings))

    async def _keep(self, endpoint: Endpoint, write: Callable[[sqlite3.Connection], None]) -> None:
        if self._shared.path is None:
            return
        try:
            await (await self._shared.get()).write(write)
        except Storage as error:
            logger.warning("what was learned of %s is not kept: %s", endpoint.label, error.message)

    async def _read_one(self, place: Place, otherwise: Findings) -> Findings:
        try:
            rows = await (await self._shared.get()).read(lambda connection: _read(connection, place))
        except Storage:
            # The journal has told of it.
            return otherwise
        return {name: finding for row in rows for name, finding in _finding(row).items()}


def _layer(findings: Findings) -> dict[str, Any]:
    """What is known as `quirks.parameters.seed` and the like, nested."""
    layer: dict[str, Any] = {}
    for name, finding in findings.items():
        if name.startswith(_QUIRKS) and finding.holds:
            *above, last = name.removeprefix(_QUIRKS).split(".")
            inner = layer
            for each in above:
                inner = inner.setdefault(each, {})
            inner[last] = finding.value
    return layer


_COLUMNS: Final = "name, value, evidence, source, learned_at"
_OF_PLACE: Final = "base_url = ? AND wire = ? AND model_id = ?"


def _key(place: Place) -> tuple[str, str, str]:
    return place.base_url, place.wire, place.model_id


def _read(connection: sqlite3.Connection, place: Place) -> Sequence[Any]:
    return connection.execute(f"SELECT {_COLUMNS} FROM endpoint_findings WHERE {_OF_PLACE}", _key(place)).fetchall()


def _read_all(connection: sqlite3.Connection) -> Sequence[Any]:
    rows = connection.execute(f"SELECT base_url, wire, model_id, provider, {_COLUMNS} FROM endpoint_findings")
    return [(row[:4], row[4:]) for row in rows]


def _replace(connection: sqlite3.Connection, place: Place, findings: Findings) -> None:
    connection.execute(f"DELETE FROM endpoint_findings WHERE {_OF_PLACE}", _key(place))
    _put(connection, place, findings)


def _put(connection: sqlite3.Connection, place: Place, findings: Findings) -> None:
    connection.executemany(
        f"INSERT OR REPLACE INTO endpoint_findings (base_url, wire, model_id, provider, {_COLUMNS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (*_key(place), place.provider, name, json.dumps(each.value), each.evidence, each.source, each.learned_at)
            for name, each in findings.items()
        ],
    )


def _finding(row: Sequence[Any]) -> dict[str, Finding]:
    name, value, evidence, source, learned_at = row
    return {name: Finding(json.loads(value), evidence, source, learned_at)}
