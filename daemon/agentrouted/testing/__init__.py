"""Tools for tests, shipped for whoever tests against us."""

from agentrouted.testing.scripted_model import ScriptedModel

__all__ = ["ScriptedModel"]
