"""A new run from an earlier state of another one."""

from agentrouted.core.agent.sessions import bare
from agentrouted.core.endpoint import stricter
from agentrouted.core.errors import InvalidParams
from agentrouted.core.history.repair import repair
from agentrouted.core.journal.base import StoredRun
from agentrouted.core.memory.opening import SharedStore
from agentrouted_protocol.messages import Message
from agentrouted_protocol.runs import RunAgentParams, RunForkParams


async def forked(stored: StoredRun, fork: RunForkParams, memory: SharedStore) -> RunAgentParams:
    """What the other run was begun with, and its conversation up to event `seq`; what `fork` says comes first.

    It goes its own way, outside of the session that the other run is in.
    """
    if fork.seq > stored.last_seq:
        raise InvalidParams(f"run `{fork.run_id}` has no event {fork.seq}", hint=f"its last one is {stored.last_seq}")
    params = RunAgentParams.model_validate(stored.record.params)
    said = [message for seq, message in stored.messages if seq <= fork.seq]
    messages = [*await _in_session(stored, memory), *(params.messages or ()), *said]
    changes = {
        "prompt": fork.prompt,
        "messages": repair(messages) or None,
        "run_id": None,
        "session_id": None,
        "boundary": stricter(params.boundary, stored.state.get("boundary")),
        "detach": True,
    }
    if fork.model is not None:
        changes["model"] = fork.model
    if fork.instructions is not None:
        changes["instructions"] = fork.instructions
    return params.model_copy(update=changes)


async def _in_session(stored: StoredRun, memory: SharedStore) -> list[Message]:
    """What the other run has found in its session when it began."""
    session_id, place = stored.record.session_id, stored.state.get("session_place")
    if session_id is None or not place:
        return []
    found = await (await memory.get()).messages_up_to(session_id, place)
    return [bare(message) for message in found.messages]
