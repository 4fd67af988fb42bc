"""The daemon, as a Python program sees it."""

import asyncio
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
from agentrouted_client.parsing import parse_params
from agentrouted_client.run import Run
from agentrouted_client.tools import ClientTool, Function, ToolOptions, call_tool, client_tool
from agentrouted_client.transport import Transport, joined, spawned
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult, ToolCallParams, ToolCallResult
from agentrouted_protocol.daemon import Advertised, ClientOptions
from agentrouted_protocol.errors import CODES
from agentrouted_protocol.rendezvous import default_socket_path
from agentrouted_protocol.routing import ResolveModelParams, Route
from agentrouted_protocol.runs import RunAgentParams, RunIdParams

Approve = Callable[[ToolApproveParams], Awaitable[ToolApproveResult]]
AnyFunction = TypeVar("AnyFunction", bound=Function)

# With -P, the modules that lie in the current folder stay out of it.
_AGENTROUTED = (sys.executable, "-P", "-m", "agentrouted")


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
        self._runs: dict[str, Run] = {}
        self._listeners: dict[str, list[Callable[[Any], object]]] = {}
        self._connection = Connection(transport, self._answer, self._hear)

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
        **options: Any,
    ) -> Run:
        """Begin a run. `tools` are functions; by default all that were given to `client.tool`.

        `options` are the other fields of `RunAgentParams`, such as `max_turns`, `messages` or `session_id`.
        """
        offered = self._offered(tools)
        descriptions = [tool.description for tool in offered.values()]
        options = {"run_id": uuid.uuid4().hex, **options}
        params = RunAgentParams(prompt=prompt, model=model, instructions=instructions, tools=descriptions, **options)
        result = self._connection.request("runAgent", params.to_wire())
        run = self._runs[options["run_id"]] = Run(options["run_id"], offered, result, self._cancel)
        result.add_done_callback(lambda _: self._runs.pop(run.run_id, None))
        return run

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
        results = [run.result for run in self._runs.values()]
        for result in results:
            result.cancel()
        await asyncio.gather(*results, return_exceptions=True)
        await shut_down(self._connection)
        await self._connection.close()

    async def _cancel(self, run_id: str) -> None:
        await self.request("run/cancel", RunIdParams(run_id=run_id))

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
        run = self._runs.get(params.run_id)
        tool = (run.tools if run else self._tools).get(params.name)
        if tool is None:
            return ToolCallResult(content=f"Error: this client has no tool {params.name}", is_error=True)
        return await call_tool(tool, params.arguments)

    def _hear(self, method: str, params: Any) -> None:
        if method == "run/event" and (run := self._runs.get(params["runId"])):
            run.deliver(params)
        for listener in self._listeners.get(method, ()):
            listener(parse_params(method, params))
