"""A bill of the core as the face's usage."""

from agentrouted.face.context import Usage
from agentrouted_protocol.messages import Usage as CoreUsage


def usage_of(bill: CoreUsage) -> Usage:
    usage = Usage()
    take(usage, bill)
    return usage


def take(usage: Usage, bill: CoreUsage) -> None:
    """Make `usage` say what the bill says, in place: whoever holds it sees it."""
    usage.input_tokens = bill.input_tokens
    usage.output_tokens = bill.output_tokens
    usage.total_cost_usd = bill.total_cost_usd or 0.0
    usage.model_calls = bill.model_calls
    usage.cached_tokens = bill.cached_tokens
    usage.reasoning_tokens = bill.reasoning_tokens
    usage.tool_calls = bill.tool_calls
    usage.estimated = bill.estimated
    usage.cost_source = bill.cost_source
