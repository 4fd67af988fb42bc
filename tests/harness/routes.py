"""Rows of the routing tables: what is asked, and where it must lead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentrouted.core.config.keyfile import parse_keyfile
from agentrouted.core.config.load import load_text
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.routing.resolve import Resolution, resolve

OPENROUTER = "https://openrouter.ai/api/v1"
OPENROUTER_KEY = {"OPENROUTER_API_KEY": "sk-or-v1-0123456789"}


@dataclass(frozen=True)
class World:
    """Everything that a route depends on, besides the question."""

    environ: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    keyfile: str = ""

    @property
    def snapshot(self) -> Snapshot:
        loaded = load_text(self.config, Path("config.yaml"), self.environ)
        assert loaded.config, loaded.problems
        keys = parse_keyfile(self.keyfile, None)
        assert not keys.problems
        return Snapshot(1, loaded.config, self.environ, keys.values)

    def resolve(
        self, model: str, *, key: str | None = None, base_url: str | None = None, asks_client: bool = False
    ) -> Resolution:
        return resolve(self.snapshot, model, api_key=key, base_url=base_url, asks_client=asks_client)


@dataclass(frozen=True)
class Row:
    """A model string and its route. `auth` is the source, and the name where there is one: `env GROQ_API_KEY`."""

    model: str
    provider: str
    model_id: str
    base: str
    auth: str
    environ: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    keyfile: str = ""
    base_url: str | None = None
    key: str | None = None

    def expected(self, rule: str) -> tuple[str, ...]:
        return rule, self.provider, self.model_id, self.base, self.auth, rule

    def found(self) -> tuple[str, ...]:
        world = World(self.environ, self.config, self.keyfile)
        route = world.resolve(self.model, key=self.key, base_url=self.base_url).to_route()
        auth = f"{route.auth.source} {route.auth.name}" if route.auth.name else route.auth.source
        return route.rule, route.provider, route.model_id, route.base_url, auth, route.trace[-1].step
