"""The one core that all connections share."""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from agentrouted.core.agent.runs import Runs
from agentrouted.core.models import ModelList
from agentrouted.core.services import Services
from agentrouted.server.routes import RouteCache
from agentrouted.server.rpc import Connection
from agentrouted_protocol.daemon import DaemonStatus
from agentrouted_protocol.version import PROTOCOL_VERSION, __version__


@dataclass(slots=True)
class Core:
    """Services, runs, and who is connected."""

    services: Services
    runs: Runs
    routes: RouteCache
    models: ModelList
    socket: Path | None = None
    connections: set[Connection] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)

    @property
    def is_idle(self) -> bool:
        return not self.connections and not self.runs.running

    def status(self) -> DaemonStatus:
        snapshot = self.services.config.current
        return DaemonStatus(
            version=__version__,
            protocol_version=PROTOCOL_VERSION,
            pid=os.getpid(),
            uptime=time.monotonic() - self.started,
            connections=len(self.connections),
            runs=self.runs.running,
            queued_bytes=sum(connection.link.queued_bytes for connection in self.connections),
            socket=str(self.socket) if self.socket else None,
            memory_bytes=_resident_bytes(),
            config_generation=snapshot.generation,
            config_file=str(snapshot.path) if snapshot.path else None,
            embedded_models=[str(path) for path in self.services.engines.running],
        )


def _resident_bytes() -> int | None:
    """Resident memory now (Linux), or at its highest (macOS, in bytes there)."""
    if sys.platform == "linux":
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
