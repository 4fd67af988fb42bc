"""A new run from an earlier state of another one."""

from agentrouted.core.errors import InvalidParams
from agentrouted.core.history.repair import repair
from agentrouted.core.journal.base import StoredRun
from agentrouted_protocol.runs import RunAgentParams, RunForkParams


def forked(stored: StoredRun, fork: RunForkParams) -> RunAgentParams:
    """What the other run was begun with, and its conversation up to event `seq`; what `fork` says comes first."""
    if fork.seq > stored.last_seq:
        raise InvalidParams(f"run `{fork.run_id}` has no event {fork.seq}", hint=f"its last one is {stored.last_seq}")
    params = RunAgentParams.model_validate(stored.record.params)
    said = [message for seq, message in stored.messages if seq <= fork.seq]
    messages = [*(params.messages or ()), *said]
    changes = {"prompt": fork.prompt, "messages": repair(messages) or None, "run_id": None, "detach": True}
    if fork.model is not None:
        changes["model"] = fork.model
    if fork.instructions is not None:
        changes["instructions"] = fork.instructions
    return params.model_copy(update=changes)
