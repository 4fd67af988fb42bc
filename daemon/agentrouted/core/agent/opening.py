"""What was said and remembered before a run begins."""

from collections.abc import Sequence

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.remembered import remembered
from agentrouted_protocol.messages import Message


async def open_conversation(run: RunContext) -> None:
    """Instructions, what was said in the session, what the caller has, what is remembered, the prompt.

    A run that is resumed begins with what it began with. Waits for the runs before it in the same session.
    """
    plan, state = run.plan, run.state
    before = list(plan.given)
    if run.turn is not None:
        said, state.session_place = await run.turn.begin(state.session_place)
        before[:0] = said
    if plan.memory is not None and plan.memory.recall == "auto":
        place = len(before) if plan.prompt else _last_question(before)
        asked = plan.prompt or before[place]
        before[place:place] = await remembered(run, plan.memory, asked)
    state.opening = (plan.instructions, *before) if plan.instructions else tuple(before)
    if not state.messages and plan.prompt is not None:
        state.messages.append(plan.prompt)


def _last_question(messages: Sequence[Message]) -> int:
    """The place of the last message of the user; of the last one at all, if there is none."""
    places = [place for place, message in enumerate(messages) if message.role == "user"]
    return places[-1] if places else len(messages) - 1
