"""The life of one run, as the journal knows it."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from agentrouted.core.agent.context import RunContext
from agentrouted.core.agent.live import Run
from agentrouted.core.agent.recorder import Recorder
from agentrouted.core.agent.run import run_agent
from agentrouted.core.errors import AgentroutedError, Conflict, NotFound, Storage
from agentrouted.core.failure import from_error_object, to_error_object
from agentrouted.core.journal.base import Journal, RunRecord, StoredRun
from agentrouted_protocol.errors import ErrorObject
from agentrouted_protocol.runs import RunResult, RunStatus

_Value = TypeVar("_Value")


async def live(
    run: Run,
    open_journal: Callable[[], Coroutine[Any, Any, Journal | None]],
    record: RunRecord,
    stored: StoredRun | None,
) -> RunResult:
    """From the first line in the journal, if there is one, to the last."""
    journal, ended = await _whole(_prepared(run.context, open_journal, record, stored))
    run.recorded.set()
    if ended is not None:
        return ended
    if journal is None:
        return await _in_session(run)
    try:
        result = await _in_session(run)
    except AgentroutedError as error:
        run.is_over = True
        # What ended the run is told, whatever becomes of its journal.
        with contextlib.suppress(Storage):
            await _to_its_end(_ended(run, journal, "failed", error=to_error_object(error).to_wire()))
        raise
    run.is_over = True
    try:
        status: RunStatus = "cancelled" if result.stop_reason == "cancelled" else "completed"
        await _to_its_end(_ended(run, journal, status, result=result.to_wire()))
    except Storage as error:
        raise error.of_run(run.run_id, result.usage, result.messages) from error
    return result


async def _prepared(
    context: RunContext,
    open_journal: Callable[[], Coroutine[Any, Any, Journal | None]],
    record: RunRecord,
    stored: StoredRun | None,
) -> tuple[Journal | None, RunResult | None]:
    """The journal, if there is one, and what it has of a run that has ended."""
    journal = await open_journal()
    await context.services.ledger.get()
    if journal is None:
        return None, None
    context.emitter.recorder = Recorder(journal, context.run_id)
    return journal, await _found_or_begun(journal, context, record, stored)


async def _ended(
    run: Run,
    journal: Journal,
    status: RunStatus,
    result: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    if not run.suspended:
        run.context.post()
        await journal.end(run.run_id, status, result, error)


async def load(journal: Journal | None, run_id: str) -> StoredRun:
    """What the journal has of a run. Raises `NotFound`."""
    stored = await journal.load(run_id) if journal else None
    if stored is None:
        raise NotFound(f"there is no run `{run_id[:128]}`", hint="`run/list` names those that are kept")
    return stored


def refuse_elsewhere(stored: StoredRun) -> None:
    """Raises `Conflict` if a run that is not here is under way: then its daemon is another one."""
    if stored.status == "running":
        raise Conflict(
            f"run `{stored.record.run_id}` is under way in another daemon",
            hint="ask the client that began it, or wait for its end",
        )


def other_parameters(run_id: str) -> Conflict:
    return Conflict(f"run `{run_id}` was begun with other parameters", hint="use a new `runId`")


async def _in_session(run: Run) -> RunResult:
    """Do it; what it has added is kept in its session, if it has one."""
    context = run.context
    if context.turn is None:
        return await run_agent(context)
    try:
        result = await run_agent(context)
        if not run.suspended:
            run.is_over = True
            await _to_its_end(context.turn.keep(context.plan.given, result, context.plan.boundary))
        return result
    finally:
        context.turn.end()


async def _found_or_begun(
    journal: Journal, context: RunContext, record: RunRecord, stored: StoredRun | None
) -> RunResult | None:
    """None if the run is to go on from where its state is now; its end, if it has ended."""
    if stored is None:
        try:
            await journal.begin(record)
            return None
        except Conflict:
            stored = await load(journal, record.run_id)
        if stored.record.fingerprint != record.fingerprint:
            raise other_parameters(record.run_id)
        if stored.result is not None or stored.error is not None:
            context.recall_bill(stored)
        if stored.result is not None:
            return RunResult.model_validate(stored.result)
        if stored.error is not None:
            raise from_error_object(ErrorObject.model_validate(stored.error))
        refuse_elsewhere(stored)
    await journal.reopen(record.run_id)
    context.restore(stored)
    return None


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Whoever cancels us now comes too late."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()


async def _whole(work: Coroutine[Any, Any, _Value]) -> _Value:
    """Its result, also when we are cancelled in the meantime: then we still are afterwards."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        return task.result()
