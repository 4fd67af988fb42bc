"""`daemon/status`, and what `initialize` says of us."""

from agentrouted_protocol.base import WireModel


class DaemonStatus(WireModel):
    version: str
    protocol_version: int
    pid: int
    uptime: float
    """Seconds."""

    connections: int
    runs: int
    """In flight."""

    queued_bytes: int
    """Written for clients that have not read it yet."""

    socket: str | None = None
    memory_bytes: int | None = None
    """Resident memory of the process."""

    config_generation: int
    config_file: str | None = None
    embedded_models: list[str] = []
    """GGUF files the embedded engine has open."""


class Limits(WireModel):
    """Bounds of a connection."""

    header_bytes: int = 8 * 1024
    message_bytes: int = 64 * 1024 * 1024
    depth: int = 200
    requests_in_flight: int = 256
    outbound_soft_bytes: int = 8 * 1024 * 1024
    outbound_hard_bytes: int = 64 * 1024 * 1024


class Advertised(WireModel):
    """`capabilities.experimental.agentrouted` in the answer to `initialize`."""

    protocol_version: int
    min_protocol_version: int
    methods: list[str]
    """Those that are served; others of the contract answer `methodNotFound`."""

    notifications: list[str]
    """Those the daemon sends; opt out of any by name."""

    limits: Limits


class ClientOptions(WireModel):
    """What a client opts in to, in `initializationOptions.agentrouted` or `capabilities.experimental.agentrouted`."""

    tools: bool = False
    """The client answers `tool/call`."""

    approvals: bool = False
    """The client answers `tool/approve`."""

    secrets: bool = False
    """The client answers `secret/get`."""

    client_name: str | None = None
    """Stands in the ledger; by default the name in `clientInfo`."""

    workspace: str | None = None
    """The folder the client works in, as an absolute path. Its own file, `.agentroute.yaml`, may have agents,
    instructions and stricter limits."""

    opt_out: list[str] = []
    """Names of notifications that are not wanted."""
