"""The runs that one connection is about, by their ids."""

import asyncio
from collections.abc import Mapping
from typing import Any

from agentrouted_client.connection import Connection
from agentrouted_client.errors import ClientError, RpcError
from agentrouted_client.output import ReadResult, as_it_is
from agentrouted_client.run import Run
from agentrouted_client.tools import ClientTool
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.runs import (
    RunAgentParams,
    RunAttachParams,
    RunAttachResult,
    RunGetResult,
    RunIdParams,
    RunResult,
    RunStarted,
)

Tools = Mapping[str, ClientTool]


class Runs:
    """Begins runs and follows runs, and brings each its events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._runs: dict[str, Run] = {}
        self._inside: dict[str, Run] = {}
        """By the ids of the runs that their agents' agents do."""

    def find(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def start(self, run_id: str, params: RunAgentParams, tools: Tools, read: ReadResult) -> Run:
        """A run that ends with the connection, or one that is detached from it."""
        if params.detach:
            return self._follow(run_id, tools, begun=self._connection.request("runAgent", params.to_wire()), read=read)
        result = self._connection.request("runAgent", params.to_wire(), read)
        return self._enter(Run(run_id, tools, result, self._request))

    async def attach(self, params: RunAttachParams, tools: Tools) -> Run:
        self.refuse_followed(params.run_id)
        # It is known before it is asked for: its events come before the answer.
        attaching = self._connection.request("run/attach", params.to_wire())
        run = self._follow(params.run_id, tools, begun=attaching, last_seq=params.after_seq)
        attached: RunAttachResult = await attaching
        run.gap = attached.gap
        return run

    async def begin(self, method: str, params: WireModel, tools: Tools) -> Run:
        """A run that goes on without us. It is known as soon as it is answered: its events come right behind."""

        def follow(started: RunStarted) -> Run:
            return self._follow(started.run_id, tools)

        run: Run = await self._connection.request(method, params.to_wire(), follow)
        return run

    def refuse_followed(self, run_id: str) -> None:
        if run_id in self._runs:
            raise ClientError(f"this client follows run {run_id} already", "use the `Run` it has")

    def deliver(self, params: Any) -> None:
        """Take in the params of one `run/event`."""
        if run := self._runs.get(params["runId"]) or self._caller_of(params):
            run.deliver(params)

    def lost(self) -> None:
        """The connection has ended: those who wait are told."""
        for run in self._runs.values():
            run.end()

    async def stop(self) -> None:
        """Runs that belong to the connection are cancelled; the others go on without us."""
        await asyncio.gather(*[run.stop() for run in self._runs.values()], return_exceptions=True)

    def _caller_of(self, params: Any) -> Run | None:
        """Who called the agent whose event it is, or who called that one."""
        parent = params.get("parentRunId")
        run = self._runs.get(parent) or self._inside.get(parent)
        if run is not None:
            self._inside[params["runId"]] = run
        return run

    def _follow(
        self,
        run_id: str,
        tools: Tools,
        *,
        begun: asyncio.Future[Any] | None = None,
        read: ReadResult = as_it_is,
        last_seq: int = 0,
    ) -> Run:
        over = asyncio.Event()
        result = asyncio.ensure_future(self._end_of(run_id, begun, over, read))
        # Its error is looked at, so that asyncio does not report it as lost where nobody waits for the result.
        result.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._enter(Run(run_id, tools, result, self._request, over=over, last_seq=last_seq))

    async def _end_of(
        self, run_id: str, begun: asyncio.Future[Any] | None, over: asyncio.Event, read: ReadResult
    ) -> RunResult:
        """No answer of its own tells it: it is asked for when the last event has come."""
        if begun is not None:
            await begun
        run = await self._get(run_id)
        if run.status in ("running", "waiting"):
            await over.wait()
            run = await self._get(run_id)
        if run.error is not None:
            raise RpcError(run.error.code, run.error.message, run.error.data)
        if run.result is None:
            hint = f"go on with it: `client.resume`, or `agentrouted runs resume {run_id}`"
            raise ClientError(f"run {run_id} was interrupted", hint)
        return read(run.result)

    async def _get(self, run_id: str) -> RunGetResult:
        run: RunGetResult = await self._request("run/get", RunIdParams(run_id=run_id))
        return run

    async def _request(self, method: str, params: WireModel) -> Any:
        return await self._connection.request(method, params.to_wire())

    def _enter(self, run: Run) -> Run:
        self._runs[run.run_id] = run
        run.when_ended(lambda: self._left(run))
        return run

    def _left(self, run: Run) -> None:
        self._runs.pop(run.run_id, None)
        self._inside = {run_id: caller for run_id, caller in self._inside.items() if caller is not run}
