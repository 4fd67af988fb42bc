"""All that belongs to one run, in one hand."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from agentrouted.core.agent.audience import Audience
from agentrouted.core.agent.emitter import Emitter
from agentrouted.core.agent.inside import NOBODYS, Inside
from agentrouted.core.agent.plan import Plan
from agentrouted.core.agent.recorder import Recorder
from agentrouted.core.agent.sessions import Turn
from agentrouted.core.agent.state import RunState
from agentrouted.core.agent.tools.base import Tool
from agentrouted.core.endpoint import stricter
from agentrouted.core.history.base import Strategy
from agentrouted.core.journal.base import StoredRun
from agentrouted.core.routing.endpoints import ResolvedEndpoint
from agentrouted.core.services import Services
from agentrouted.core.usage import bill
from agentrouted.core.usage.budget import RunBudget
from agentrouted.core.usage.call import NOBODY, Caller
from agentrouted_protocol.runs import RunResult

StartChild = Callable[["RunContext", str, str, str], Coroutine[Any, Any, RunResult]]
"""Runs another agent of the config, by name, with a prompt, for a call id: its run belongs to this one."""


@dataclass(slots=True)
class HeldTokens:
    """The most that the calls under way may take."""

    input: int = 0
    output: int = 0


@dataclass(slots=True)
class RunContext:
    """What the functions of the loop pass on. The identity of a run, and what grows with it."""

    run_id: str
    services: Services
    plan: Plan
    audience: Audience
    emitter: Emitter
    state: RunState
    budget: RunBudget
    start_child: StartChild
    inside: Inside = NOBODYS
    turn: Turn | None = None
    """In its session, if it has one."""

    caller: Caller = NOBODY
    tree: str = ""
    """The id of the run at the top, if that is another one."""

    session: str = ""
    """The one that its calls are of in the ledger: its own, or that of the run that has begun it."""

    asked: int = 0
    """The turn in which a model was asked last."""

    held: HeldTokens = field(default_factory=HeldTokens)
    depth: int = 0
    """How many runs are above this one."""

    chain: tuple[ResolvedEndpoint, ...] = ()
    """Who may answer, in the order in which they are asked."""

    tools: dict[str, Tool] = field(default_factory=dict)
    strategy: Strategy | None = None
    """How the history is made shorter; it may remember what it has done."""

    window: int | None = None
    """Tokens: what a model found too long was longer than this."""

    cut: set[str] = field(default_factory=set)
    """Ids of calls whose results the model sees shortened."""

    @property
    def recorder(self) -> Recorder | None:
        """Writes the run down, if that is done at all."""
        return self.emitter.recorder

    async def durable(self) -> None:
        """What has happened so far would outlive a crash when this returns."""
        if self.recorder is not None:
            await self.recorder.durable(self.state)
            self.emitter.release()

    def post(self) -> None:
        """Hand what has happened so far to the journal."""
        if self.recorder is not None:
            self.recorder.post(self.state)

    def add_bill(self, child: RunState, call_id: str) -> None:
        """Of a run that belongs to this one, and has ended. One that had ended before a crash may be there already."""
        if call_id in self.state.billed:
            return
        self.state.billed.append(call_id)
        self.state.spent += child.spent
        if child.usage.model_calls:
            self.state.usage = bill.add(self.state.usage, child.usage)

    def restore(self, stored: StoredRun) -> None:
        """Be where the journal says that the run was, and within the boundary of then, too."""
        within = stricter(self.plan.boundary, stored.record.params.get("boundary"))
        self.plan = replace(self.plan, boundary=within)
        self.state.restore(stored.state, (message for _, message in stored.messages), stored.calls_begun)
        self.recall_bill(stored)
        self.emitter.last_seq = stored.last_seq
        if self.recorder is not None:
            self.recorder.resumed(len(self.state.messages))

    def recall_bill(self, stored: StoredRun) -> None:
        """What the run has spent before counts on, and for the runs above it."""
        self.state.usage = stored.usage
        self.state.spent = stored.state.get("spent", 0.0)
        self.budget.spend(self.state.spent)
