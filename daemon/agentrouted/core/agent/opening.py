"""What was said and remembered before a run begins."""

from collections.abc import Sequence
from dataclasses import replace

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.remembered import remembered
from agentrouted.core.agent.sessions import Turn, bare
from agentrouted.core.errors import GuardrailBlocked
from agentrouted_protocol import events
from agentrouted_protocol.messages import Message


async def open_conversation(run: RunContext) -> None:
    """Instructions, what was said in the session, what the caller has, what is remembered, the prompt.

    A run that is resumed begins with what it began with. Waits for the runs before it in the same session.
    """
    plan, state = run.plan, run.state
    before = list(plan.given)
    if run.turn is not None:
        before[:0] = await _said_before(run, run.turn)
    if plan.memory is not None and plan.memory.recall == "auto":
        place = len(before) if plan.prompt else _last_question(before)
        asked = plan.prompt or before[place]
        before[place:place] = await remembered(run, plan.memory, asked, before)
    state.opening = (plan.instructions, *before) if plan.instructions else tuple(before)
    if not state.messages and plan.prompt is not None:
        state.messages.append(plan.prompt)


async def _said_before(run: RunContext, turn: Turn) -> list[Message]:
    """In the session. Raises `GuardrailBlocked` where it is to stay on this machine, and nobody here may be asked."""
    said = await turn.begin(run.state.session_place)
    run.state.session_place = said.last or 0
    if said.stays or run.state.boundary == "local":
        _stay_here(run)
    return [bare(message) for message in said.messages]


def _stay_here(run: RunContext) -> None:
    """What was said within `local` goes on within it, whatever this run, or who goes on with it, says."""
    run.state.boundary = "local"
    run.plan = replace(run.plan, boundary="local")
    why = f"session `{run.plan.session_id}` has what was said within the boundary `local`"
    before, run.chain = run.chain, tuple(each for each in run.chain if each.endpoint.local or run.inside.speak)
    if not run.chain:
        raise GuardrailBlocked(
            f"{why}, and `{run.plan.model}` is not on this machine",
            hint="name a model of this machine, such as `ollama/<model>`, or begin a new session",
            details={"rule": "boundary: local"},
        )
    if run.chain[0] is not before[0]:
        run.emitter.emit(events.Fallback, reason=why, route=run.chain[0].to_route())


def _last_question(messages: Sequence[Message]) -> int:
    """The place of the last message of the user; of the last one at all, if there is none."""
    places = [place for place, message in enumerate(messages) if message.role == "user"]
    return places[-1] if places else len(messages) - 1
