"""The registry: every method of the contract, as data."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from agentrouted_protocol import (
    base,
    client_requests,
    config,
    daemon,
    events,
    memory,
    routing,
    runs,
    usage,
)

Direction = Literal["clientToDaemon", "daemonToClient"]


@dataclass(frozen=True, slots=True)
class Method:
    """One row: `params` and `result` are pydantic models or unions of them; a notification has no result."""

    name: str
    params: Any
    result: Any
    direction: Direction
    summary: str

    @property
    def is_notification(self) -> bool:
        return self.result is None


def _request(name: str, params: Any, result: Any, summary: str) -> Method:
    return Method(name, params, result, "clientToDaemon", summary)


def _ask(name: str, params: Any, result: Any, summary: str) -> Method:
    return Method(name, params, result, "daemonToClient", summary)


def _notify(name: str, params: Any, summary: str) -> Method:
    return Method(name, params, None, "daemonToClient", summary)


# fmt: off
_ROWS = (
    _request("resolveModel", routing.ResolveModelParams, routing.Route, "Where a model string leads, and why; no network."),
    _request("model/list", routing.ModelListParams, routing.ModelListResult, "What can run now, and how to mend the rest."),
    _request("model/probe", routing.ModelProbeParams, routing.ModelProbeResult, "What tiny calls show of an endpoint."),
    _request("runAgent", runs.RunAgentParams, runs.RunAnswer, "Run an agent to its end."),
    _request("run/list", runs.RunListParams, runs.RunListResult, "Runs, newest first."),
    _request("run/get", runs.RunIdParams, runs.RunGetResult, "One run, whole."),
    _request("run/attach", runs.RunAttachParams, runs.RunAttachResult, "Replay a run's events, then follow it."),
    _request("run/cancel", runs.RunIdParams, runs.RunCancelResult, "Stop a run; it still answers with its bill."),
    _request("run/steer", runs.RunSteerParams, base.Empty, "Say something to a run before its next turn."),
    _request("run/resume", runs.RunIdParams, runs.RunStarted, "Go on with an interrupted run."),
    _request("run/fork", runs.RunForkParams, runs.RunStarted, "A new run from an earlier state."),
    _request("agent/list", base.NoParams, runs.AgentListResult, "The agents of the config, and of the folder."),
    _request("memory/remember", memory.MemoryRememberParams, memory.MemoryRememberResult, "Keep a fact."),
    _request("memory/recall", memory.MemoryRecallParams, memory.MemoryRecallResult, "Find facts and turns by words."),
    _request("memory/forget", memory.MemoryForgetParams, memory.MemoryForgetResult, "Forget, without a trace."),
    _request("memory/get", memory.MemoryGetParams, memory.MemoryEntry, "One fact."),
    _request("memory/list", memory.MemoryListParams, memory.MemoryListResult, "Facts, page by page."),
    _request("memory/addMessages", memory.MemoryAddMessagesParams, memory.MemoryAddMessagesResult, "Add turns to a session."),
    _request("memory/getMessages", memory.MemoryGetMessagesParams, memory.MemoryGetMessagesResult, "The newest turns of a session."),
    _request("memory/clearMessages", memory.MemoryClearMessagesParams, memory.MemoryClearMessagesResult, "Empty a session."),
    _request("memory/sessions", memory.MemorySessionsParams, memory.MemorySessionsResult, "Sessions, page by page."),
    _request("memory/export", memory.MemoryExportParams, memory.MemoryExportResult, "Everything as JSON Lines."),
    _request("memory/import", memory.MemoryImportParams, memory.MemoryImportResult, "Take in JSON Lines."),
    _request("memory/vectors", memory.MemoryVectorsParams, memory.MemoryVectorsResult, "Whether all can be found by meaning."),
    _request("usage", usage.UsageParams, usage.UsageResult, "The ledger, grouped as asked."),
    _request("config/get", config.ConfigGetParams, config.ConfigGetResult, "Effective values and their origin."),
    _request("config/reload", base.NoParams, config.ConfigReloadResult, "Read the files again now."),
    _request("config/validate", config.ConfigValidateParams, config.ConfigValidateResult, "Check a text or the file."),
    _request("daemon/status", base.NoParams, daemon.DaemonStatus, "How the daemon is doing."),
    _ask("tool/call", client_requests.ToolCallParams, client_requests.ToolCallResult, "Run one of the client's tools."),
    _ask("tool/approve", client_requests.ToolApproveParams, client_requests.ToolApproveResult, "May this call be made?"),
    _ask("secret/get", client_requests.SecretGetParams, client_requests.SecretGetResult, "A key from the client's keychain."),
    _notify("run/event", events.RunEvent, "Something happened in a run."),
    _notify("config/didReload", config.ConfigDidReloadParams, "The configuration was read again, well or badly."),
    _notify("usage/didReachBudget", usage.UsageDidReachBudgetParams, "A budget passed 80 % or 100 %."),
)
# fmt: on

METHODS: Final[dict[str, Method]] = {row.name: row for row in _ROWS}
