"""The daemon: one core, and whoever is connected to it."""

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

from agentrouted.core.agent.runs import Runs
from agentrouted.core.journal.base import Journal
from agentrouted.core.journal.opening import open_journal
from agentrouted.core.models import ModelList
from agentrouted.core.services import Services
from agentrouted.server.capabilities import initialize_json
from agentrouted.server.core import Core
from agentrouted.server.diagnostics import refusal
from agentrouted.server.lifecycle import ProcessWatch
from agentrouted.server.link import Link
from agentrouted.server.logs import set_level
from agentrouted.server.registry import LSP_NOTIFICATIONS, LSP_REQUESTS, REQUESTS
from agentrouted.server.routes import RouteCache
from agentrouted.server.rpc import Connection, feature_registry
from agentrouted.server.session import ClientSession
from agentrouted_protocol.config import ConfigReloadResult

logger = logging.getLogger(__name__)

# A client that does not read its last answers is not waited for longer: an editor's restart must not hang.
_FLUSH_SECONDS: Final = 0.5


class Daemon:
    """Takes connections from any door until something says stop.

    `seen` are processes of clients that were there when they were named, before this was loaded.
    """

    def __init__(self, services: Services, seen: Collection[int] = ()) -> None:
        self.core = Core(services, Runs(services, self._open_journal), RouteCache(services), ModelList(services))
        self.processes = ProcessWatch(self.stop, seen)
        self.exit_code = 0
        self._registry = feature_registry({**REQUESTS, **LSP_REQUESTS}, LSP_NOTIFICATIONS)
        self._links: WeakSet[Link] = WeakSet()
        self._stopped = asyncio.Event()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._config_was_good = True
        services.config.subscribe(self._configure)
        self._configure()

    def stop(self, why: str) -> None:
        if not self._stopped.is_set():
            logger.info("stopping: %s", why)
            self._stopped.set()

    async def wait(self) -> None:
        await self._stopped.wait()

    def serving(self, path: Path) -> None:
        """Remember where clients find us, and stop after `daemon.idle_timeout` seconds without any."""
        self.core.socket = path
        self._restart_idle_timer()

    def shared_link(self) -> Link:
        """For a client that comes and goes; the daemon stays."""
        self._restart_idle_timer()
        return self._connect(lambda pid: None, lambda connection: self._restart_idle_timer()).link

    def owned_link(self, unread: bytes = b"", initialize: Any = None) -> Link:
        """For the one client whose process we are: the daemon ends with its connection, and with its process.

        `unread` and the params of `initialize` are what came, and was answered, before this was loaded.
        """
        connection = self._connect(self.processes.watch, self._owner_left, unread)
        if initialize is not None:
            connection.initialize(initialize)
        return connection.link

    async def aclose(self) -> None:
        """Cancel what is in flight, answer it, close."""
        await self.core.runs.aclose()
        for connection in list(self.core.connections):
            connection.close()
        closing = [asyncio.ensure_future(link.wait_closed()) for link in self._links]
        if closing:
            await asyncio.wait(closing, timeout=_FLUSH_SECONDS)
        for task in closing:
            task.cancel()
        await self.processes.aclose()

    async def _open_journal(self) -> Journal:
        database = self.core.services.database
        return await open_journal(database.path, self.core.services.config.current.config.daemon.journal, database)

    def _connect(
        self,
        watch_process: Callable[[int], None],
        ended: Callable[[Connection], None],
        unread: bytes = b"",
    ) -> Connection:
        def make_session(connection: Connection) -> ClientSession:
            return ClientSession(self.core, connection, watch_process=watch_process, ended=ended)

        link = Link(unread)
        connection = Connection(self._registry, link, make_session, initialize_json())
        link.attach(connection)
        self._links.add(link)
        return connection

    def _owner_left(self, connection: Connection) -> None:
        if not self._stopped.is_set():
            self.exit_code = connection.exit_code
        self.stop("the client has left")

    def _configure(self, reloaded: ConfigReloadResult | None = None) -> None:
        snapshot = self.core.services.config.current
        set_level(snapshot.config.daemon.log_level)
        if reloaded is not None:
            logger.info("config generation %d, %d problems", reloaded.generation, len(reloaded.problems))
            if self.core.socket is not None:
                self._restart_idle_timer()
        for problem in snapshot.problems:
            logger.info("config: %s: %s", problem.path, problem.message)
        if not snapshot.is_good:
            logger.warning("%s", refusal(snapshot.path, snapshot.problems))
        elif not self._config_was_good:
            logger.warning("%s is in force again", snapshot.path)
        self._config_was_good = snapshot.is_good

    def _restart_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        seconds = self.core.services.config.current.config.daemon.idle_timeout
        if seconds:
            self._idle_timer = asyncio.get_running_loop().call_later(seconds, self._stop_if_idle)

    def _stop_if_idle(self) -> None:
        if self.core.is_idle:
            self.stop("idle")
        else:
            self._restart_idle_timer()
