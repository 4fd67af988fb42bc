"""The daemon, as a Python program sees it."""

import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from os import PathLike, fspath
from typing import Any, Self, TypeVar, Unpack, overload

from agentrouted_client.connection import Connection
from agentrouted_client.errors import RpcError
from agentrouted_client.handshake import initialize, shut_down
from agentrouted_client.output import schema_and_reader
from agentrouted_client.parsing import parse_params
from agentrouted_client.run import Run
from agentrouted_client.runs import Runs
from agentrouted_client.tools import ClientTool, Function, ToolOptions, call_tool, client_tool
from agentrouted_client.transport import Transport, joined, spawned
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult, ToolCallParams, ToolCallResult
from agentrouted_protocol.daemon import Advertised, ClientOptions
from agentrouted_protocol.errors import CODES
from agentrouted_protocol.rendezvous import default_socket_path
from agentrouted_protocol.routing import ResolveModelParams, Route
from agentrouted_protocol.runs import (
    RunAgentParams,
    RunAttachParams,
    RunForkParams,
    RunGetResult,
    RunIdParams,
    RunListParams,
    RunListResult,
    RunStatus,
    RunSummary,
)
from agentrouted_protocol.usage import GroupKey, UsageParams, UsageResult

Approve = Callable[[ToolApproveParams], Awaitable[ToolApproveResult]]
AnyFunction = TypeVar("AnyFunction", bound=Function)

# With -P, the modules that lie in the current folder stay out of it.
_AGENTROUTED = (sys.executable, "-P", "-m", "agentrouted")

# Rows of `usage` in one answer. All of them are wanted: each page takes the daemon as long to begin with.
_LARGEST_PAGE = 10_000


class Client:
    """A connection to the daemon. Open one with `Client.spawn()` or `Client.connect()`.

        async with Client.spawn() as client:
            run = client.run_agent("Say hello.", model="local/smollm2-135m")
            async for event in run:
                ...
            result = await run.result

    Every call raises a `ClientError`: `RpcError` when the daemon answers with an error, `DaemonGone` when it has ended.
    """

    def __init__(self, transport: Transport, approve: Approve | None) -> None:
        self.advertised: Advertised | None = None
        """What the daemon said it can do."""

        self._approve = approve
        self._tools: dict[str, ClientTool] = {}
        self._listeners: dict[str, list[Callable[[Any], object]]] = {}
        self._connection = Connection(transport, self._answer, self._hear, lambda: self._runs.lost())
        self._runs = Runs(self._connection)

    @classmethod
    def spawn(
        cls,
        command: Sequence[str] = (*_AGENTROUTED, "--stdio"),
        *,
        env: Mapping[str, str] | None = None,
        client_name: str = "agentrouted-client",
        approve: Approve | None = None,
    ) -> AbstractAsyncContextManager[Self]:
        """Start a daemon of your own; it ends with the `async with` block.

        `env` is its whole environment, as in `subprocess`. `client_name` is how the ledger calls you.
        `approve` is asked before a tool that needs approval is called; without it, such calls are denied.
        """
        return cls._open(spawned(command, env), client_name, approve)

    @classmethod
    def connect(
        cls,
        socket_path: str | PathLike[str] | None = None,
        *,
        start: bool = False,
        client_name: str = "agentrouted-client",
        approve: Approve | None = None,
    ) -> AbstractAsyncContextManager[Self]:
        """Join the daemon that all programs of this user share; it goes on when the block ends.

        Where none is listening: `DaemonGone`, or with `start` one is started.
        """
        path = socket_path or default_socket_path()
        joining = spawned((*_AGENTROUTED, "connect", "--listen", fspath(path)), None) if start else joined(path)
        return cls._open(joining, client_name, approve)

    async def request(self, method: str, params: WireModel | Mapping[str, Any] | None = None) -> Any:
        """Call any method. The result is the contract's model for it; plain JSON where the contract has none."""
        plain = params.to_wire() if isinstance(params, WireModel) else params
        return await self._connection.request(method, plain)

    async def resolve_model(self, model: str, *, api_key: str | None = None, base_url: str | None = None) -> Route:
        """Where a model string leads, and why. Nothing is sent over the network."""
        route: Route = await self.request(
            "resolveModel", ResolveModelParams(model=model, api_key=api_key, base_url=base_url)
        )
        return route

    def run_agent(
        self,
        prompt: str | None = None,
        *,
        model: str | None = None,
        instructions: str | None = None,
        tools: Iterable[Function] | None = None,
        output: Any = None,
        **options: Any,
    ) -> Run:
        """Begin a run. `tools` are functions; by default all that were given to `client.tool`.

        `output` is a JSON Schema, or a type such as a pydantic model, which the result's `output` is then one of.
        `options` are the other fields of `RunAgentParams`, such as `max_turns`, `messages` or `detach`.
        """
        offered = self._offered(tools)
        descriptions = [tool.description for tool in offered.values()]
        schema, read = schema_and_reader(output)
        options = {"run_id": uuid.uuid4().hex, "output": schema, **options}
        params = RunAgentParams(prompt=prompt, model=model, instructions=instructions, tools=descriptions, **options)
        return self._runs.start(options["run_id"], params, offered, read)

    async def attach(self, run_id: str, after_seq: int = 0) -> Run:
        """Follow a run, whoever began it: its events after `after_seq`, then those that come.

        Tools of it that were not answered are called here: those given to `client.tool`. Raises `RpcError` for one that
        is not kept any more.
        """
        params = RunAttachParams(run_id=run_id, after_seq=after_seq)
        return await self._runs.attach(params, self._offered(None))

    async def resume(self, run_id: str) -> Run:
        """Go on with a run that was interrupted by the end of its daemon. Its events are those from now on."""
        self._runs.refuse_followed(run_id)
        return await self._runs.begin("run/resume", RunIdParams(run_id=run_id), self._offered(None))

    async def fork(
        self,
        run_id: str,
        seq: int,
        *,
        prompt: str | None = None,
        model: str | None = None,
        instructions: str | None = None,
    ) -> Run:
        """Begin a new run from where another one was at event `seq`, with what is given here in place of its own."""
        params = RunForkParams(run_id=run_id, seq=seq, prompt=prompt, model=model, instructions=instructions)
        return await self._runs.begin("run/fork", params, self._offered(None))

    async def runs(
        self, *, status: RunStatus | None = None, session_id: str | None = None, limit: int = 50
    ) -> list[RunSummary]:
        """The runs that are kept, the newest first."""
        params = RunListParams(status=status, session_id=session_id, limit=limit)
        page: RunListResult = await self.request("run/list", params)
        return page.runs

    async def run(self, run_id: str) -> RunGetResult:
        """What is known of a run: its transcript, and its result if it has ended."""
        run: RunGetResult = await self.request("run/get", RunIdParams(run_id=run_id))
        return run

    async def usage(
        self,
        *,
        group_by: Sequence[GroupKey] = (),
        since: str | None = None,
        until: str | None = None,
        run_id: str | None = None,
        session_id: str | None = None,
    ) -> UsageResult:
        """What model calls have used and cost, a row for each combination of the keys in `group_by`.

        Times are ISO 8601, UTC; `until` is not included.
        """
        params = UsageParams(
            group_by=list(group_by), since=since, until=until, run_id=run_id, session_id=session_id, limit=_LARGEST_PAGE
        )
        result: UsageResult = await self.request("usage", params)
        rows, cursor = result.rows, result.next_cursor
        while cursor is not None:
            page: UsageResult = await self.request("usage", params.model_copy(update={"cursor": cursor}))
            rows, cursor = [*rows, *page.rows], page.next_cursor
        return result.model_copy(update={"rows": rows, "next_cursor": None})

    @overload
    def tool(self, function: AnyFunction, /) -> AnyFunction: ...

    @overload
    def tool(self, /, **options: Unpack[ToolOptions]) -> Callable[[AnyFunction], AnyFunction]: ...

    def tool(self, function: Function | None = None, /, **options: Unpack[ToolOptions]) -> Any:
        """Decorator: the function, async or plain, is a tool of every run that does not name its own."""
        if function is None:
            return partial(self._register, **options)
        return self._register(function, **options)

    def on(self, notification: str, listener: Callable[[Any], object]) -> None:
        """Call `listener` with the params of each such notification, such as `config/didReload`. It must not wait."""
        self._listeners.setdefault(notification, []).append(listener)

    @classmethod
    @asynccontextmanager
    async def _open(
        cls, reaching: AbstractAsyncContextManager[Transport], client_name: str, approve: Approve | None
    ) -> AsyncIterator[Self]:
        async with reaching as transport:
            client = cls(transport, approve)
            try:
                options = ClientOptions(tools=True, approvals=approve is not None, client_name=client_name)
                client.advertised = await initialize(client._connection, options)
                yield client
            finally:
                await client._close()

    async def _close(self) -> None:
        await self._runs.stop()
        await shut_down(self._connection)
        await self._connection.close()

    def _register(self, function: AnyFunction, **options: Unpack[ToolOptions]) -> AnyFunction:
        tool = client_tool(function, **options)
        self._tools[tool.description.name] = tool
        return function

    def _offered(self, functions: Iterable[Function] | None) -> dict[str, ClientTool]:
        if functions is None:
            return dict(self._tools)
        registered = {tool.function: tool for tool in self._tools.values()}
        offered = [registered.get(function) or client_tool(function) for function in functions]
        return {tool.description.name: tool for tool in offered}

    async def _answer(self, method: str, params: Any) -> Any:
        typed = parse_params(method, params)
        if method == "tool/call":
            return (await self._call_tool(typed)).to_wire()
        if method == "tool/approve" and self._approve:
            return (await self._approve(typed)).to_wire()
        raise RpcError(CODES["methodNotFound"], f"this client does not answer {method}")

    async def _call_tool(self, params: ToolCallParams) -> ToolCallResult:
        run = self._runs.find(params.run_id)
        tool = (run.tools if run else self._tools).get(params.name)
        if tool is None:
            return ToolCallResult(content=f"Error: this client has no tool {params.name}", is_error=True)
        return await call_tool(tool, params.arguments)

    def _hear(self, method: str, params: Any) -> None:
        if method == "run/event":
            self._runs.deliver(params)
        for listener in self._listeners.get(method, ()):
            listener(parse_params(method, params))
