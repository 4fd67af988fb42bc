"""The contract of agentrouted: what may cross the wire."""

# Nothing is imported here, not even `typing`: `agentrouted connect` passes through and must be up in a blink.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentrouted_protocol.base import *
    from agentrouted_protocol.client_requests import *
    from agentrouted_protocol.config import *
    from agentrouted_protocol.daemon import *
    from agentrouted_protocol.errors import *
    from agentrouted_protocol.events import *
    from agentrouted_protocol.lsp import *
    from agentrouted_protocol.memory import *
    from agentrouted_protocol.messages import *
    from agentrouted_protocol.methods import *
    from agentrouted_protocol.routing import *
    from agentrouted_protocol.runs import *
    from agentrouted_protocol.scope import *
    from agentrouted_protocol.usage import *
    from agentrouted_protocol.validation import *
    from agentrouted_protocol.version import *

# All models together take longer to import than pydantic does. So a name is looked for when it is asked for, in this
# order, and the modules after its own are not imported.
_MODULES = (
    "version",
    "base",
    "lsp",
    "scope",
    "messages",
    "routing",
    "config",
    "daemon",
    "client_requests",
    "errors",
    "events",
    "runs",
    "memory",
    "usage",
    "methods",
    "validation",
)

__all__ = [
    "CODES",
    "LSP_METHODS",
    "METHODS",
    "MIN_PROTOCOL_VERSION",
    "PROTOCOL_VERSION",
    "Advertised",
    "AgentEnd",
    "AgentEntry",
    "AgentListResult",
    "AgentStart",
    "ApprovalEvent",
    "Auth",
    "AuthSource",
    "BudgetEvent",
    "BudgetState",
    "BudgetUnit",
    "ClientOptions",
    "Compaction",
    "ConfigDidReloadParams",
    "ConfigGetParams",
    "ConfigGetResult",
    "ConfigReloadResult",
    "ConfigValidateParams",
    "ConfigValidateResult",
    "ConfigValue",
    "CostSource",
    "DaemonStatus",
    "Decision",
    "Direction",
    "Effect",
    "Empty",
    "EndpointFinding",
    "EndpointProfile",
    "ErrorData",
    "ErrorKind",
    "ErrorObject",
    "Event",
    "FactKind",
    "Fallback",
    "FilePart",
    "GroupKey",
    "History",
    "HitKind",
    "ImagePart",
    "InvalidParamsError",
    "Limits",
    "LoadedModel",
    "LocalServer",
    "LspMethod",
    "MemoryAddMessagesParams",
    "MemoryAddMessagesResult",
    "MemoryClearMessagesParams",
    "MemoryClearMessagesResult",
    "MemoryEntry",
    "MemoryExportParams",
    "MemoryExportResult",
    "MemoryFilter",
    "MemoryForgetParams",
    "MemoryForgetResult",
    "MemoryFormat",
    "MemoryGetMessagesParams",
    "MemoryGetMessagesResult",
    "MemoryGetParams",
    "MemoryHit",
    "MemoryImportParams",
    "MemoryImportResult",
    "MemoryListParams",
    "MemoryListResult",
    "MemoryRecallParams",
    "MemoryRecallResult",
    "MemoryRememberParams",
    "MemoryRememberResult",
    "MemorySessionsParams",
    "MemorySessionsResult",
    "MemoryVectorsParams",
    "MemoryVectorsResult",
    "Message",
    "Method",
    "ModelCallEnd",
    "ModelCallStart",
    "ModelEntry",
    "ModelListParams",
    "ModelListResult",
    "ModelProbeParams",
    "ModelProbeResult",
    "ModelState",
    "NoParams",
    "OutputPartial",
    "Params",
    "ParamsProblem",
    "Part",
    "Position",
    "Price",
    "Problem",
    "ProviderReply",
    "Range",
    "ReasoningDelta",
    "Recall",
    "ResolveModelParams",
    "Retry",
    "Role",
    "Route",
    "RouteEndpoint",
    "Rule",
    "RunAgentParams",
    "RunAnswer",
    "RunAttachParams",
    "RunAttachResult",
    "RunCancelResult",
    "RunEvent",
    "RunForkParams",
    "RunGetResult",
    "RunIdParams",
    "RunListParams",
    "RunListResult",
    "RunMemory",
    "RunResult",
    "RunStarted",
    "RunStatus",
    "RunSteerParams",
    "RunSummary",
    "Sampling",
    "Scope",
    "SecretGetParams",
    "SecretGetResult",
    "SentParams",
    "SessionMessage",
    "SessionSummary",
    "SignedBlock",
    "SignedReasoning",
    "SlidingWindow",
    "Source",
    "StopReason",
    "Summarize",
    "TextDelta",
    "TextPart",
    "Think",
    "Token",
    "Tool",
    "ToolApproveParams",
    "ToolApproveResult",
    "ToolCall",
    "ToolCallArguments",
    "ToolCallEnd",
    "ToolCallParams",
    "ToolCallResult",
    "ToolCallStart",
    "TraceStep",
    "Truncate",
    "Usage",
    "UsageDidReachBudgetParams",
    "UsageParams",
    "UsageResult",
    "UsageRow",
    "UsageTotals",
    "WireModel",
    "must_be",
    "parse",
]


if not TYPE_CHECKING:  # else type checkers would take any name for granted

    def __getattr__(name: str) -> object:
        """PEP 562: `from agentrouted_protocol import Route`."""
        from importlib import import_module

        if name in __all__:
            for module in _MODULES:
                home = vars(import_module(f"{__name__}.{module}"))
                if name in home:
                    return home[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
