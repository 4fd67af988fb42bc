"""Agents, in Python: `from agentrouted import Agent`.

Every name is imported when it is first used: the command line, which starts with this package, needs none of them.
"""

# Not from `typing`, which the command line can start without.
TYPE_CHECKING = False
if TYPE_CHECKING:  # what `__getattr__` finds
    from agentrouted.face.agent import Agent
    from agentrouted.face.context import Context, Usage
    from agentrouted.face.errors import ErrorAgent, ErrorBudget, ErrorMaxTurns, Retry
    from agentrouted.face.history import History, HistorySlidingWindow, HistorySummarize, HistoryTruncate
    from agentrouted.face.llm import LLMChunk, LLMRequest, LLMResponse, Model
    from agentrouted.face.memory import Memory
    from agentrouted.face.memory_sqlite import MemorySQLite
    from agentrouted.face.message import Message
    from agentrouted.face.result import Event, Result
    from agentrouted.face.routed_model import resolve_model
    from agentrouted.face.tools import Tool, tool
    from agentrouted_protocol.version import __version__

_MODULES = {
    "Agent": "agentrouted.face.agent",
    "Context": "agentrouted.face.context",
    "ErrorAgent": "agentrouted.face.errors",
    "ErrorBudget": "agentrouted.face.errors",
    "ErrorMaxTurns": "agentrouted.face.errors",
    "Event": "agentrouted.face.result",
    "History": "agentrouted.face.history",
    "HistorySlidingWindow": "agentrouted.face.history",
    "HistorySummarize": "agentrouted.face.history",
    "HistoryTruncate": "agentrouted.face.history",
    "LLMChunk": "agentrouted.face.llm",
    "LLMRequest": "agentrouted.face.llm",
    "LLMResponse": "agentrouted.face.llm",
    "Memory": "agentrouted.face.memory",
    "MemorySQLite": "agentrouted.face.memory_sqlite",
    "Message": "agentrouted.face.message",
    "Model": "agentrouted.face.llm",
    "Result": "agentrouted.face.result",
    "Retry": "agentrouted.face.errors",
    "Tool": "agentrouted.face.tools",
    "Usage": "agentrouted.face.context",
    "__version__": "agentrouted_protocol.version",
    "resolve_model": "agentrouted.face.routed_model",
    "tool": "agentrouted.face.tools",
}


__all__ = [
    "Agent",
    "Context",
    "ErrorAgent",
    "ErrorBudget",
    "ErrorMaxTurns",
    "Event",
    "History",
    "HistorySlidingWindow",
    "HistorySummarize",
    "HistoryTruncate",
    "LLMChunk",
    "LLMRequest",
    "LLMResponse",
    "Memory",
    "MemorySQLite",
    "Message",
    "Model",
    "Result",
    "Retry",
    "Tool",
    "Usage",
    "__version__",
    "resolve_model",
    "tool",
]


if not TYPE_CHECKING:  # else a name that is not there would be no error

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'agentrouted' has no attribute '{name}'")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
