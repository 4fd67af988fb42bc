"""What can run now: names of the config, servers here, files."""

from agentrouted.core.models.listing import ModelList

__all__ = ["ModelList"]
