"""One JSON-RPC 2.0 connection, with requests both ways."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from agentrouted_client.errors import ClientError, DaemonGone, RpcError
from agentrouted_client.framing import BadFrame, Frames, frame
from agentrouted_client.parsing import parse_result
from agentrouted_client.transport import Transport
from agentrouted_protocol.errors import CODES, ErrorData

_READ_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Pending:
    method: str
    answer: asyncio.Future[Any]
    read: Callable[[Any], Any]


class Connection:
    """Sends requests and notifications; hands what the other side sends to two functions.

    `on_request` returns the result, or raises `RpcError`. `on_notification` must not wait. `on_end` is called when
    nothing will come any more.
    """

    def __init__(
        self,
        transport: Transport,
        on_request: Callable[[str, Any], Awaitable[Any]],
        on_notification: Callable[[str, Any], None],
        on_end: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._on_request = on_request
        self._on_notification = on_notification
        self._on_end = on_end
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._answering: dict[int | str, asyncio.Future[Any]] = {}
        self._complaint = ""
        self._gone: str | None = None
        self._reading = asyncio.create_task(self._read())

    def request(
        self, method: str, params: Any, read: Callable[[Any], Any] = lambda result: result
    ) -> asyncio.Future[Any]:
        """Sent at once. Gives the result or a `ClientError`. Cancelling it cancels the request itself.

        `read` makes of the result what is given, before the next message is looked at; it may raise `ClientError`.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._gone is not None:
            answer.set_exception(DaemonGone(self._gone))
            return answer
        number = next(self._ids)
        self._pending[number] = _Pending(method, answer, read)
        answer.add_done_callback(lambda _: self._forget(number))
        self._send({"id": number, "method": method} | _present(params))
        return answer

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method} | _present(params))

    async def close(self) -> None:
        tasks = [self._reading, *self._answering.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._end("this client is closed")

    def _send(self, message: dict[str, Any]) -> None:
        if not self._transport.writer.is_closing():
            self._transport.writer.write(frame(to_json({"jsonrpc": "2.0", **message})))

    async def _read(self) -> None:
        try:
            await self._read_frames()
            why = await self._transport.explain_end()
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must be told
            why = f"the connection to the daemon is broken: {error or type(error).__name__}"
        self._end(why + self._complaint)

    def _end(self, why: str) -> None:
        self._gone = self._gone or why
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(DaemonGone(self._gone))
        self._on_end()

    async def _read_frames(self) -> None:
        frames = Frames()
        while data := await self._transport.reader.read(_READ_SIZE):
            for body in frames.feed(data):
                self._take(_message(body))

    def _take(self, message: dict[str, Any]) -> None:
        method, number = message.get("method"), message.get("id")
        params: Any = message.get("params")
        if method is None:
            self._take_answer(number, message)
        elif number is not None:
            self._answer(number, method, params)
        elif method == "$/cancelRequest":
            self._cancel_answer(params)
        else:
            self._take_notification(method, params)

    def _cancel_answer(self, params: Any) -> None:
        if task := self._answering.get(params["id"]):
            task.cancel()

    def _take_answer(self, number: Any, message: dict[str, Any]) -> None:
        error = message.get("error")
        if number is None and error:
            self._complaint = f"; before that it said: {_rpc_error(error).message}"
        pending = self._pending.get(number)
        if pending is None or pending.answer.done():
            return
        try:
            if error:
                raise _rpc_error(error)
            pending.answer.set_result(pending.read(parse_result(pending.method, message.get("result"))))
        except ClientError as failure:
            pending.answer.set_exception(failure)
        except ValidationError as failure:
            what = f"the daemon's answer to {pending.method} is not what the contract says: {failure}"
            pending.answer.set_exception(ClientError(what, "update agentrouted, or this client"))

    def _forget(self, number: int) -> None:
        if self._pending.pop(number).answer.cancelled():
            self.notify("$/cancelRequest", {"id": number})

    def _take_notification(self, method: str, params: Any) -> None:
        try:
            self._on_notification(method, params)
        except Exception as error:  # noqa: BLE001 - the fault of a callback must not end the connection
            context = {"message": f"a function that listens to {method} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def _answer(self, number: int | str, method: str, params: Any) -> None:
        answering = self._answering[number] = asyncio.ensure_future(self._on_request(method, params))
        # Not in the task itself: one that is cancelled before its first step would never answer.
        answering.add_done_callback(lambda done: self._send_answer(number, method, done))

    def _send_answer(self, number: int | str, method: str, done: asyncio.Future[Any]) -> None:
        self._answering.pop(number, None)
        try:
            self._send({"id": number, "result": done.result()})
        except asyncio.CancelledError:
            self._send_error(number, RpcError(CODES["requestCancelled"], f"{method} was cancelled"))
        except RpcError as error:
            self._send_error(number, error)
        except Exception as error:  # noqa: BLE001 - whatever a callback raised, the daemon must get its answer
            self._send_error(number, RpcError(CODES["internalError"], f"{method} failed: {type(error).__name__}"))

    def _send_error(self, number: int | str, error: RpcError) -> None:
        self._send({"id": number, "error": error.to_object().to_wire()})


def _present(params: Any) -> dict[str, Any]:
    """JSON-RPC 2.0, section 4.2: params are an object or an array, or left out; never null."""
    return {} if params is None else {"params": params}


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = from_json(body)
    except ValueError as error:
        raise BadFrame(f"it sent what is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise BadFrame(f"it sent {type(message).__name__} where a JSON-RPC message was due")
    return message


def _rpc_error(error: Any) -> RpcError:
    """Also of one that is not as JSON-RPC has it: whoever asked is still told that it failed."""
    members = error if isinstance(error, dict) else {"message": error}
    try:
        data = ErrorData.model_validate(members.get("data"), extra="ignore")
    except ValidationError:
        data = None
    code, message = members.get("code"), members.get("message")
    return RpcError(code if isinstance(code, int) else CODES["internalError"], str(message or "no reason given"), data)
