"""What several model calls have cost together."""

from agentrouted_protocol.messages import CostSource, Usage


def add(total: Usage, more: Usage) -> Usage:
    """The sum of two bills. An unknown cost makes the sum unknown: it is not zero."""
    if total.model_calls == 0:
        return more.model_copy(update={"tool_calls": total.tool_calls + more.tool_calls})
    return Usage(
        input_tokens=total.input_tokens + more.input_tokens,
        output_tokens=total.output_tokens + more.output_tokens,
        cached_tokens=total.cached_tokens + more.cached_tokens,
        reasoning_tokens=total.reasoning_tokens + more.reasoning_tokens,
        total_cost_usd=_sum(total.total_cost_usd, more.total_cost_usd),
        model_calls=total.model_calls + more.model_calls,
        tool_calls=total.tool_calls + more.tool_calls,
        estimated=total.estimated or more.estimated,
        cost_source=_weaker(total.cost_source, more.cost_source),
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _weaker(one: CostSource, other: CostSource) -> CostSource:
    order: tuple[CostSource, ...] = ("local", "reported", "config", "table", "unknown")
    return max(one, other, key=order.index)
