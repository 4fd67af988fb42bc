"""What all runs share: config, HTTP, engines, MCP servers."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentrouted.core.config.chat_templates import configured_template
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.config.store import ConfigStore
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.health import Health
from agentrouted.core.history.summaries import Summaries
from agentrouted.core.key_source import AskClient
from agentrouted.core.keys.keys import Keys, forgetting_refused
from agentrouted.core.local.catalog import LocalModel, ModelFolders, brought_template, locate, model_folders
from agentrouted.core.local.engine import Engines
from agentrouted.core.local.process import EngineSettings
from agentrouted.core.mcp.servers import McpServers
from agentrouted.core.memory.opening import SharedStore
from agentrouted.core.prices.table import PriceTable
from agentrouted.core.profiles import Profiles
from agentrouted.core.storage.shared import SharedDatabase
from agentrouted.core.troubles import Troubles
from agentrouted.core.usage.opening import SharedLedger
from agentrouted.core.wire.base import Chunk, ModelRequest, WireFormat
from agentrouted.core.wire.better_wires import BetterWires
from agentrouted.core.wire.formats import FORMATS
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.windows import Windows

EMBEDDED = "embedded:"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """One set for the process, whichever doors it has."""

    config: ConfigStore
    http: HttpClient
    engines: Engines
    model_folders: ModelFolders
    database: SharedDatabase = field(default_factory=SharedDatabase)
    memory: SharedStore = field(default_factory=SharedStore)
    ledger: SharedLedger = field(default_factory=SharedLedger)
    mcp: McpServers = field(default_factory=McpServers)
    keys: Keys = field(default_factory=Keys)
    formats: dict[str, WireFormat] = field(default_factory=dict)
    """Those that were spoken, by name."""

    better_wires: BetterWires = field(default_factory=BetterWires)
    windows: Windows = field(default_factory=Windows)
    summaries: Summaries = field(default_factory=Summaries)
    profiles: Profiles = field(default_factory=Profiles)
    troubles: Troubles = field(default_factory=Troubles)
    prices: PriceTable = field(default_factory=PriceTable)
    health: Health = field(default_factory=Health)

    async def connect(self, endpoint: Endpoint, ask_client: AskClient | None = None) -> Endpoint:
        """The endpoint as it can be called now, with what was learned of it.

        `ask_client` asks the client that the call is for, if there is one.
        """
        return await self.profiles.laid_on(await self.reach(endpoint, ask_client))

    async def reach(
        self, endpoint: Endpoint, ask_client: AskClient | None = None, *, for_embeddings: bool = False
    ) -> Endpoint:
        """Its key is fetched, an embedded model started, the best format chosen; what was learned is left aside."""
        endpoint = await self.keys.given(endpoint, ask_client)
        if not endpoint.base_url.startswith(EMBEDDED):
            wire = await self.better_wires.wire_of(endpoint, self.http)
            return endpoint if wire == endpoint.wire else replace(endpoint, wire=wire)
        model = await asyncio.to_thread(locate, endpoint.base_url.removeprefix(EMBEDDED), self.model_folders)
        settings = await asyncio.to_thread(_settings, model, self.config.current)
        engine = await self.engines.open(model.path, replace(settings, embeddings=for_embeddings))
        tools = endpoint.supports_tools if "supports_tools" in endpoint.configured else engine.supports_tools
        return replace(
            endpoint,
            base_url="http://localhost/v1",
            socket_path=engine.socket_path,
            api_key=engine.api_key,
            supports_tools=tools,
            context_window=engine.context_window,
        )

    async def context_window(self, endpoint: Endpoint) -> int | None:
        """Tokens of prompt and reply together, as far as that can be known; a local server is asked. Never raises."""
        if not endpoint.local or endpoint.is_embedded:
            return endpoint.context_window
        windows = (endpoint.context_window, await self.windows.of(endpoint, self.http))
        return min((window for window in windows if window is not None), default=None)

    def stream(self, endpoint: Endpoint, request: ModelRequest) -> AsyncGenerator[Sequence[Chunk], None]:
        """The reply of a connected endpoint, as it comes."""
        wire = endpoint.wire
        if wire not in self.formats:
            self.formats[wire] = FORMATS[wire](self.http)
        batches = self.formats[wire].stream(endpoint, request)
        return batches if endpoint.forget_key is None else forgetting_refused(batches, endpoint.forget_key)

    async def aclose(self) -> None:
        """Ends all children, and all connections. What fails to end is logged, and does not keep the rest."""
        await _end(self.engines.aclose(), self.mcp.aclose(), self.http.aclose(), self.memory.aclose())
        await _end(self.database.aclose())
        await _end(self.ledger.aclose())


def _settings(model: LocalModel, snapshot: Snapshot) -> EngineSettings:
    embedded = snapshot.config.daemon.embedded
    return EngineSettings(
        sleep_idle_seconds=embedded.sleep_idle_seconds,
        threads=embedded.threads,
        context_window=embedded.context_window,
        chat_template=configured_template(snapshot, model.name) or brought_template(model),
    )


def services_in(
    environment: Environment, config: ConfigStore, keeps_ledger: Callable[[], bool] = lambda: True
) -> Services:
    """Wired to the files and folders of the environment, of which none is opened before it is needed."""
    home = environment.home or environment.runtime_folder
    database = SharedDatabase(environment.database_file)
    return Services(
        config=config,
        http=HttpClient(),
        engines=Engines(environment.runtime_folder / "engines"),
        model_folders=model_folders(environment.environ, home),
        database=database,
        memory=SharedStore(database, lambda: config.current.config.memory.retention),
        ledger=SharedLedger(database, keeps_ledger, lambda: config.current.config.daemon.ledger.keep_days),
        profiles=Profiles(database),
        prices=PriceTable(environment.cache_folder),
        keys=Keys(environment.home),
    )


@contextlib.asynccontextmanager
async def open_services(environment: Environment, config_file: str | None = None) -> AsyncIterator[Services]:
    """Services for a daemon: the config is watched, children and connections end with the block."""
    config = ConfigStore(environment, config_file)
    services = services_in(environment, config)
    config.subscribe(lambda _: services.mcp.keep(config.current.config.mcp_servers))
    tasks = [_begin(config.watch(), "the config is no longer watched; `config/reload` still reads it")]
    if config.current.config.memory.retention and services.database.is_there:
        # Days pass, also while nobody asks for what is remembered.
        tasks.append(_begin(services.memory.get(), "what is remembered is kept longer than `memory.retention` says"))
    try:
        yield services
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(services.aclose(), *tasks, return_exceptions=True)


def _begin(work: Coroutine[Any, Any, Any], failed: str) -> asyncio.Task[Any]:
    """`failed`: what is logged of a failure, when it happens."""

    def tell(done: asyncio.Task[Any]) -> None:
        if not done.cancelled() and (error := done.exception()):
            logger.error(failed, exc_info=error)

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task


async def _end(*closing: Coroutine[Any, Any, None]) -> None:
    for error in await asyncio.gather(*closing, return_exceptions=True):
        if isinstance(error, Exception):
            logger.error("not all could be closed", exc_info=error)
