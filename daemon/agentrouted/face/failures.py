"""An error of the core becomes one of the face."""

from agentrouted.core.errors import AgentroutedError, BudgetExceeded, MaxTurns
from agentrouted.face.bill import usage_of
from agentrouted.face.conversion import to_dicts
from agentrouted.face.errors import ErrorAgent, ErrorBudget, ErrorMaxTurns


def face_error(error: AgentroutedError, text: str | None = None) -> ErrorAgent:
    """Raise what this returns from the core's error. `text`, if given, is said in place of its own message."""
    raised = _of_its_kind(error, text or error.message)
    raised.kind, raised.hint, raised.retryable = error.kind, error.hint, error.retryable
    raised.run_id = error.run_id
    raised.messages = to_dicts(error.messages or ())
    if error.usage:
        raised.usage = usage_of(error.usage)
    if error.hint:
        raised.add_note(error.hint)
    return raised


def _of_its_kind(error: AgentroutedError, text: str) -> ErrorAgent:
    details = error.details or {}
    if isinstance(error, MaxTurns):
        return ErrorMaxTurns(turn=details["limit"] + 1, limit=details["limit"])
    if isinstance(error, BudgetExceeded) and details.get("limit") is not None:
        raised = ErrorBudget(spent=details["spent"], limit=details["limit"])
        if "unit" in details:
            raised.args = (text,)
        return raised
    return ErrorAgent(text)
