"""How a chat completion says how hard to think."""

from typing import Any

from agentrouted.core.quirks.profile import ThinkField
from agentrouted_protocol.runs import Think


def chat_thinking(field: ThinkField, think: Think | None) -> dict[str, Any]:
    """The fields of the request. A word says how hard; `think` is as the endpoint takes it."""
    if think is None:
        return {}
    effort = {"reasoning_effort": think} if isinstance(think, str) else {}
    match field:
        case "effort":
            return effort or {"reasoning_effort": "medium" if think else "none"}
        case "reasoning":
            return {"reasoning": {"effort": think} if effort else {"enabled": think}}
        case "thinking":
            return {"thinking": {"type": "enabled" if think else "disabled"}, **effort}
        case "template":
            # What the templates of most families know, and gpt-oss's own.
            return {"chat_template_kwargs": {"enable_thinking": bool(think), **effort}}
