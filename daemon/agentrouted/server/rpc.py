"""The JSON-RPC engine: one object per connection."""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal, Protocol

import cattrs
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.protocol import JsonRPCProtocol
from pygls.server import JsonRPCServer

from agentrouted.server import envelope
from agentrouted.server.answers import error_answer
from agentrouted.server.envelope import LIMITS, Id, Malformed, Notification, Request, Response, error_object
from agentrouted.server.framing import Fault
from agentrouted.server.link import Link
from agentrouted_protocol.errors import ErrorObject

logger = logging.getLogger(__name__)

State = Literal["new", "initialized", "shutdown", "closed"]
Handler = Callable[[Any, Any], Any]


# However much is in flight: these make it less, or tell about it.
_WAYS_OUT: Final = frozenset({"daemon/status", "run/cancel", "shutdown"})


class RequestRefused(Exception):
    """The peer answered a request of ours with an error, or is gone."""


class Session(Protocol):
    """What a connection is about; handlers get it as their first argument."""

    def initialize(self, params: Any) -> None: ...

    def closed(self) -> None: ...


def feature_registry(requests: Mapping[str, Handler], notifications: Mapping[str, Handler]) -> JsonRPCServer:
    """A pygls server that holds the features only; each connection is a protocol object of its own.

    Its `start_io` and `start_tcp` are not for us: they know one protocol object, and so one client.
    """
    registry = JsonRPCServer(JsonRPCProtocol, cattrs.Converter)
    for name, handler in (*requests.items(), *notifications.items()):
        registry.protocol.fm.add_builtin_feature(name, handler)
    return registry


class Connection(JsonRPCProtocol):
    """One peer. Features, notifications and requests to the peer are pygls'; reading, gates and answers are ours.

    Every request is answered exactly once, with its id, whatever happens (JSON-RPC 2.0, section 5).
    """

    def __init__(
        self, registry: JsonRPCServer, link: Link, make_session: Callable[["Connection"], Session], hello: bytes
    ) -> None:
        super().__init__(registry, registry.protocol._converter)
        self.fm = registry.protocol.fm
        self.state: State = "new"
        self.exit_code = 1
        self.link = link
        self._running: dict[Id, asyncio.Task[Any]] = {}
        self._last_id = 0
        self._hello = hello
        self._awaited: set[asyncio.Future[Any]] = set()
        self._held: deque[Callable[[], None]] = deque()
        self._session = make_session(self)

    # What comes in.

    def hold_until(self, ready: "asyncio.Future[Any]") -> None:
        """What comes is looked at when `ready` is done, in the order in which it came."""
        self._awaited.add(ready)
        ready.add_done_callback(self._go_on)

    def _go_on(self, ready: "asyncio.Future[Any]") -> None:
        self._awaited.discard(ready)
        self._take_held()

    def _take_held(self) -> None:
        while self._held and not self._awaited:
            take = self._held.popleft()
            try:
                take()
            except Exception:
                # As in `receive`: what stands behind it is not to wait for ever.
                logger.exception("what has waited was lost")

    def in_turn(self, take: Callable[..., None], *arguments: Any) -> None:
        """Behind all that waits."""
        if self._awaited:
            self._held.append(partial(take, *arguments))
        else:
            take(*arguments)

    def receive(self, body: bytes) -> None:
        if self._awaited:
            self.in_turn(self.receive, body)
            return
        for message in envelope.decode(body):
            try:
                self.handle_message(message)
            except Exception:
                # A fault of ours in one message must not cost the ones that came with it.
                logger.exception("a message was lost")

    def refuse(self, fault: Fault) -> None:
        self.in_turn(self._refuse, fault)

    def input_ended(self) -> None:
        self.in_turn(self._input_ended)

    def _refuse(self, fault: Fault) -> None:
        """Answer input that is no frame; bare lines are answered as lines, so that their sender can read it."""
        error = error_object(fault.kind, fault.message, fault.hint)
        if fault.line is None:
            self._fail(None, error)
        for message in envelope.decode(fault.line) if fault.line is not None else ():
            id_ = None if isinstance(message, Notification) else message.id
            self.link.send_line(envelope.encode_error(id_, error))
        if fault.fatal:
            self.link.close()

    def handle_message(self, message: Any) -> None:
        match message:
            case Request():
                self._handle_request(message.id, message.method, message.params)
            case Notification():
                self._handle_notification(message.method, message.params)
            case Response():
                self._handle_response(message.id, message.result, message.error)
            case Malformed():
                self._handle_malformed(message)

    def _handle_request(self, msg_id: Id, method_name: str, params: Any) -> None:
        refusal = self._gate(msg_id, method_name)
        if refusal is not None:
            self._fail(msg_id, refusal)
            return
        try:
            result = self._call(method_name, params)
        except JsonRpcMethodNotFound:
            self._fail(msg_id, error_object("methodNotFound", f"`{method_name[:100]}` is not served here"))
            return
        except Exception as error:  # noqa: BLE001 - this is where errors become answers
            self._fail(msg_id, error_answer(error))
            return
        if inspect.iscoroutine(result):
            self._start(msg_id, result)
        else:
            self._succeed(msg_id, result)

    def _gate(self, msg_id: Id, method: str) -> ErrorObject | None:
        """The reason why a request is not even looked at, if there is one."""
        if self.state == "new" and method != "initialize":
            return error_object("serverNotInitialized", f"`{method[:100]}` came before `initialize`")
        if self.state in ("shutdown", "closed"):
            return error_object("invalidRequest", "the connection is shut down: only `exit` may follow")
        if self.state == "initialized" and method == "initialize":
            return error_object("invalidRequest", "`initialize` was answered already")
        if msg_id in self._running:
            return error_object("invalidRequest", "a request with this id is still being answered")
        if len(self._running) >= LIMITS.requests_in_flight and method not in _WAYS_OUT:
            return error_object("overloaded", f"{LIMITS.requests_in_flight} requests are in flight already")
        return None

    def _call(self, method: str, params: Any) -> Any:
        if method == "initialize":
            self.initialize(params)
            return self._hello
        if method == "shutdown":
            self.state, self.exit_code = "shutdown", 0
            return None
        handler: Any = self._get_handler(method)
        return handler(self._session, params)

    def initialize(self, params: Any) -> None:
        """Open the session. Called without a request where `initialize` was answered before this was loaded."""
        self._session.initialize(params)
        self.state = "initialized"

    def _handle_notification(self, method_name: str, params: Any) -> None:
        if method_name == "exit":
            self.close()
        elif method_name == "$/cancelRequest" and self.state != "new":
            self._handle_cancel_notification(params.get("id") if isinstance(params, dict) else None)
        elif self.state != "initialized":
            logger.debug("dropped outside the session: %s", method_name[:100])
        else:
            self._call_quietly(method_name, params)

    def _call_quietly(self, method: str, params: Any) -> None:
        try:
            handler: Any = self._get_handler(method)
            handler(self._session, params)
        except JsonRpcMethodNotFound:
            logger.debug("ignored the notification %s", method[:100])
        except Exception as error:  # noqa: BLE001 - a notification has no answer: the log is all there is
            logger.info("notification %s: %s", method[:100], error_answer(error).message)

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        task = self._running.get(msg_id) if type(msg_id) in (int, str) else None
        if task is not None:
            _cancel_soon(task)

    def _handle_response(self, msg_id: Id | None, result: Any = None, error: Any = None) -> None:
        future = None if msg_id is None else self._request_futures.pop(msg_id, None)
        if future is None or future.done():
            logger.info("%s to no question of ours", "an error" if error else "an answer")
        elif error is not None:
            details = error if isinstance(error, dict) else {}
            message = details.get("message")
            future.set_exception(JsonRpcException(message if isinstance(message, str) else "it answered with an error"))
        else:
            future.set_result(result)

    def _handle_malformed(self, message: Malformed) -> None:
        """Told to its sender; a question of ours that it was to answer is not waited for any longer."""
        id_ = message.id
        if message.question in self._request_futures:
            id_ = None
            self._handle_response(message.question, error={"message": f"its answer cannot be read: {message.message}"})
        self._fail(id_, error_object(message.kind, message.message))

    # What goes out.

    def _start(self, msg_id: Id, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running[msg_id] = task
        task.add_done_callback(lambda done: self._finish(msg_id, done))

    def _finish(self, msg_id: Id, task: asyncio.Task[Any]) -> None:
        self._running.pop(msg_id, None)
        self._answer(msg_id, task)
        if self.state == "closed" and not self._running:
            self.link.close()

    def _answer(self, msg_id: Id, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._fail(msg_id, error_object("requestCancelled", "the request was cancelled"))
        elif (error := task.exception()) is not None:
            self._fail(msg_id, error_answer(error))
        else:
            self._succeed(msg_id, task.result())

    def _succeed(self, msg_id: Id, result: Any) -> None:
        try:
            self.link.send(envelope.encode_result(msg_id, result))
        except Exception as error:  # noqa: BLE001 - a result that can't be written still has to be answered
            self._fail(msg_id, error_answer(error))

    def _fail(self, msg_id: Id | None, error: ErrorObject) -> None:
        self.link.send(envelope.encode_error(msg_id, error))

    def _send_data(self, data: Any) -> None:
        """Where pygls' `notify` and `send_request` end."""
        self.link.send(envelope.encode_call(data.method, data.params, getattr(data, "id", None)))

    async def ask(self, method: str, params: Any) -> Any:
        """A request to the peer. Raises `RequestRefused` if it answers with an error or goes away."""
        if self.state == "closed":
            raise RequestRefused("the client is gone")
        self._last_id += 1
        id_ = self._last_id
        try:
            return await self.send_request_async(method, params, msg_id=id_)
        except JsonRpcException as error:
            raise RequestRefused(error.message) from error
        except asyncio.CancelledError:
            self.notify("$/cancelRequest", {"id": id_})
            raise
        finally:
            self._request_futures.pop(id_, None)

    # The end.

    def _input_ended(self) -> None:
        if self.state == "new":
            self.exit_code = 0
        self.close()

    def close(self) -> None:
        """Close this connection, when what was in flight is cancelled and answered. Others are not touched."""
        self.closed()
        if not self._running:
            self.link.close()

    def closed(self) -> None:
        """The peer is gone, or told to go."""
        if self.state == "closed":
            return
        self.state = "closed"
        # Requests that wait are refused now: they are answered, too.
        self._awaited.clear()
        self._take_held()
        for task in self._running.values():
            _cancel_soon(task)
        for future in list(self._request_futures.values()):
            if not future.done():
                future.set_exception(JsonRpcException("the client is gone"))
        self._session.closed()


def _cancel_soon(task: asyncio.Task[Any]) -> None:
    """In the next tick: a request cancelled before its first step could not end its run, nor answer with a result."""

    def cancel() -> None:
        # Once: a second one would interrupt the work of ending.
        if not task.cancelling():
            task.cancel()

    asyncio.get_running_loop().call_soon(cancel)
