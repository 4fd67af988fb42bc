"""Drive agentrouted from Python, over stdio or its socket."""

from agentrouted_client.client import Client
from agentrouted_client.errors import ClientError, DaemonGone, RpcError
from agentrouted_client.run import Run

__all__ = ["Client", "ClientError", "DaemonGone", "RpcError", "Run"]
