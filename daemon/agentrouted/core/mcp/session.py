"""One conversation with a server, and the task that owns it."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final, TypeVar

from mcp import MCPError
from mcp.client import Client, IncomingMessage
from mcp_types import CONNECTION_CLOSED, Implementation, ToolAnnotations, ToolListChangedNotification
from pydantic import ValidationError

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.errors import ToolFailed
from agentrouted.core.mcp.child import Child
from agentrouted.core.mcp.listing import Listed, effect_of
from agentrouted.core.mcp.remote import Remote
from agentrouted.core.mcp.results import told
from agentrouted.core.secrets import without_keys
from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.version import __version__

# Seconds to end in peace.
_GRACE: Final = 1.0
_LONGEST_TALE: Final = 300
_SHORTEST_SECRET: Final = 4

_Result = TypeVar("_Result")


class Forgotten(ToolFailed):
    """The server does not know the session any more: the call was not made, and can be made in a new one."""


class Session:
    """From the start of a server to its end.

    The library's scopes must be entered and left by one task, and none of them may reach into a run: so that task is
    the session's own, and each question is a task as well. All failures are `ToolFailed`.
    """

    def __init__(self, name: str, settings: McpServer, environ: Mapping[str, str]) -> None:
        self._name = name
        self._settings = settings
        self._over = asyncio.Event()
        self._link = Child(settings, environ, self._over) if settings.command else Remote(settings)
        self._listed: tuple[Listed, ...] | None = None
        self._asked: set[asyncio.Task[Any]] = set()
        self._why = "was ended before it had started"
        self._opened: asyncio.Future[Client | None] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._live())

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    async def tools(self) -> tuple[Listed, ...]:
        """Asked for once, and again when the server says that they have changed."""
        client = await self._client()
        if self._listed is None:
            self._listed = await self._ask(_list(client))
        return self._listed

    async def call(self, tool: str, arguments: dict[str, Any]) -> ToolCallResult:
        """Whoever is cancelled here goes at once; the server is told behind his back."""
        client = await self._client()
        return told(await self._ask(client.call_tool(tool, arguments)))

    async def aclose(self) -> None:
        self._over.set()
        await asyncio.wait([self._owner], timeout=_GRACE)
        self._owner.cancel()
        await asyncio.wait([self._owner, *self._asked])

    async def _client(self) -> Client:
        client = await asyncio.shield(self._opened)
        if client is None:
            raise self._failure(self._why)
        return client

    async def _live(self) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout) as starting, self._new_client() as client:
                starting.reschedule(None)
                self._opened.set_result(client)
                await self._over.wait()
        except Exception as error:  # noqa: BLE001 - the owner of the task: who waits for the session is told
            self._why = _why(error, self._settings)
        finally:
            self._over.set()
            if not self._opened.done():
                self._opened.set_result(None)

    def _new_client(self) -> Client:
        # The handshake of 2024 and 2025, which servers of later versions know as well; asking for theirs first ends
        # some of the older ones.
        return Client(
            self._link,
            mode="legacy",
            client_info=Implementation(name="agentrouted", version=__version__),
            message_handler=self._hear,
            cache=None,
        )

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._listed = None

    async def _ask(self, question: Coroutine[Any, Any, _Result]) -> _Result:
        task = asyncio.create_task(question)
        self._asked.add(task)
        task.add_done_callback(self._answered)
        seconds = self._settings.timeout
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(task)
        except TimeoutError:
            raise self._failure(f"gave no answer within {seconds:g} s") from None
        except MCPError as error:
            raise await self._refusal(error) from error
        except (ValidationError, RuntimeError) as error:
            raise self._failure("answered what its protocol or its schema does not allow") from error
        finally:
            task.cancel()  # which tells the server, if it has not answered

    def _answered(self, task: asyncio.Task[Any]) -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # seen: there may be nobody left who waits

    async def _refusal(self, error: MCPError) -> ToolFailed:
        if _is_end(error):
            self._over.set()
            await asyncio.wait([self._owner], timeout=_GRACE)
            return self._failure("ended before it had answered")
        if self._link.has_forgotten:
            self._over.set()
            return Forgotten(f"MCP server `{self._name}` has forgotten its session", hint="try again")
        return self._failure(f"refused: {error.message}")

    def _failure(self, what: str) -> ToolFailed:
        words = f" ({self._link.last_words})" if self._link.last_words else ""
        text = f"MCP server `{self._name}` {what}{words}"
        sent = [value.get_secret_value() for value in (*self._settings.env.values(), *self._settings.headers.values())]
        for secret in sorted(sent, key=len, reverse=True):
            text = text.replace(secret, "[key]") if len(secret) >= _SHORTEST_SECRET else text
        return ToolFailed(without_keys(text)[:_LONGEST_TALE])


async def _list(client: Client) -> tuple[Listed, ...]:
    listed: list[Listed] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            hints = tool.annotations or ToolAnnotations()
            effect = effect_of(read_only=hints.read_only_hint, idempotent=hints.idempotent_hint)
            listed.append(Listed(tool.name, tool.description or "", tool.input_schema, effect))
        cursor = page.next_cursor
        if not cursor:
            return tuple(listed)


def _is_end(error: MCPError) -> bool:
    # The library gives the end of a connection a code that servers give to faults of their own.
    return error.code == CONNECTION_CLOSED and error.message == "Connection closed"


def _why(error: Exception, settings: McpServer) -> str:
    match error:
        case ExceptionGroup(exceptions=[Exception() as first, *_]):
            return _why(first, settings)
        case TimeoutError():
            return f"did not start within {settings.timeout:g} seconds"
        case MCPError():
            return "ended while it was starting" if _is_end(error) else f"refused to start: {error.message}"
        case ValidationError():
            return "answered what is not the protocol"
        case OSError():
            return f"cannot be started: {error.strerror}: {error.filename}"
        case _:
            return f"cannot be reached at {settings.url}: {error or type(error).__name__}"
