"""What an agent asks of the core."""

import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from agentrouted.core.history.summarize import PROMPT
from agentrouted.face.history import History, HistorySlidingWindow, HistorySummarize, HistoryTruncate
from agentrouted.face.output_type import OutputType
from agentrouted.face.routed_model import RoutedModel
from agentrouted.face.settings import LIMITS, AgentSettings
from agentrouted.face.signature import problems_of
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import History as CoreHistory
from agentrouted_protocol.runs import RunAgentParams, Sampling, SlidingWindow, Summarize, Truncate

# What stands in the core under the same name.
_SAME: Final = ("instructions", "mcp_servers", "agents", "retries", "boundary", *LIMITS)


def run_params(
    agent: AgentSettings, output: OutputType | None, prompt: str, messages: Sequence[Message], *, stream: bool
) -> RunAgentParams:
    """Raises ValueError for a setting that cannot be meant."""
    try:
        return RunAgentParams(
            **{name: getattr(agent, name) for name in _SAME},
            **_where(agent),
            prompt=prompt,
            messages=list(messages),
            output=output.schema if output else None,
            output_mode=_output_mode(agent),
            history=core_history(agent.history),
            sampling=Sampling(**{name: getattr(agent, name) for name in Sampling.model_fields}),
            stream=stream,
        )
    except ValidationError as error:
        raise ValueError(f"agent `{agent.name}`: {'; '.join(problems_of(error))}") from None


def core_history(history: History | None) -> CoreHistory | None:
    """Where the core has the very same way: it knows more about the run than we do. None for all others."""
    if type(history) is HistorySlidingWindow:
        return SlidingWindow(strategy="slidingWindow", window_size=history.window_size)
    if type(history) is HistoryTruncate:
        return Truncate(strategy="truncate", max_tokens=history.max_tokens)
    if type(history) is HistorySummarize and isinstance(history.model, RoutedModel):
        is_plain = history.summary_prompt == PROMPT and history.model.is_plain
        return _summarize(history.model.name, history.keep_recent) if is_plain else None
    return None


def _summarize(model: str, keep_recent: int) -> Summarize:
    return Summarize(strategy="summarize", model=model, keep_recent=keep_recent)


def _where(agent: AgentSettings) -> dict[str, Any]:
    model = agent.model
    if isinstance(model, RoutedModel):
        return {
            "model": model.name,
            "api_key": agent.api_key or model.given_key,
            "base_url": agent.base_url or model.given_url,
        }
    if isinstance(model, str):
        return {"model": model, "api_key": agent.api_key, "base_url": agent.base_url}
    # A model inside this program: nothing is ever sent there, but every run has a route.
    name = re.sub(r"[^\w.:-]", "-", model_id_of(model))
    return {"model": f"http://localhost/in-process/{name}"}


def model_id_of(model: Any) -> str:
    return str(getattr(model, "model_id", None) or "unknown")


def _output_mode(agent: AgentSettings) -> Any:
    if agent.output_mode != "auto" or isinstance(agent.model, str | RoutedModel):
        return agent.output_mode
    # Of somebody else's model nothing is known, but that it takes tools.
    return "tool"
