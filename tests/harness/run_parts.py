"""The parts of a run, for tests of one of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentrouted.core.agent.audience import Audience
from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.plan import plan_run
from agentrouted.core.agent.state import RunState
from agentrouted.core.agent.tools.client import client_tools
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.config.store import ConfigStore
from agentrouted.core.host import Host
from agentrouted.core.local.catalog import model_folders
from agentrouted.core.local.engine import Engines
from agentrouted.core.services import Services
from agentrouted.core.usage.budget import RunBudget
from agentrouted.core.wire.http import HttpClient
from agentrouted_protocol.runs import RunAgentParams, RunResult, Tool

NOWHERE = Path("/nonexistent")


def run_context(host: Host, tools: Sequence[Tool] = (), **params: Any) -> RunContext:
    """A run that is not begun: it has its tools, and no journal."""
    asked = RunAgentParams(model="ollama/m", prompt="Hi", tools=list(tools), **params)
    plan = plan_run(Snapshot.defaults({}), asked)
    audience = Audience(host, stays=False)
    return RunContext(
        run_id="r",
        services=_services(),
        plan=plan,
        audience=audience,
        emitter=Emitter("r", audience, stream=True),
        state=RunState(run_id="r", opening=plan.opening),
        budget=RunBudget(plan.limits.max_cost),
        start_child=_no_child,
        tools={tool.name: tool for tool in client_tools(plan.client_tools, audience)},
    )


def _services() -> Services:
    environment = Environment({}, NOWHERE, NOWHERE)
    return Services(ConfigStore(environment, None), HttpClient(), Engines(NOWHERE), model_folders({}, NOWHERE))


async def _no_child(run: RunContext, agent: str, prompt: str, call_id: str) -> RunResult:
    raise AssertionError("no agent is a tool here")
