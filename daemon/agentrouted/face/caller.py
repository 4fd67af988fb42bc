"""The event loop that a run was started from."""

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

from agentrouted.core.errors import AgentroutedError
from agentrouted.face.inbox import inbox_here, settle

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class Caller:
    """Whatever the user has written is called there, with the context variables that were set there.

    Make one in a coroutine of the user's; `call` it from the core's loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._inbox = inbox_here()
        self._context = contextvars.copy_context()

    async def call(
        self,
        function: Callable[_Parameters, _Result | Awaitable[_Result]],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Call it, await what it returns if that can be awaited, and raise what it raises.

        Cancelled, it is cancelled there too, and waited for.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        there = _There(partial(_called, function, *args, **kwargs), future)
        try:
            self._inbox.put(lambda: there.begin(self._loop, self._context.copy()))
        except RuntimeError:
            raise AgentroutedError("the event loop that the run was started from is closed") from None
        try:
            result: _Result = await asyncio.shield(future)
            return result
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # the loop is closed: so is what ran on it
                self._inbox.put(there.cancel)
                await asyncio.wait({future})
            raise


class _There:
    """A task on the caller's loop; its end is told to a future on ours."""

    def __init__(self, begin: Callable[[], Any], future: "asyncio.Future[Any]") -> None:
        self._begin = begin
        self._future = future
        self._inbox = inbox_here()
        self._task: asyncio.Task[Any] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        self._task = loop.create_task(self._begin(), context=context)
        self._task.add_done_callback(lambda task: self._inbox.put(partial(settle, self._future, task)))

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


async def _called(
    function: Callable[_Parameters, _Result | Awaitable[_Result]],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    try:
        result = function(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Something that it waited for was cancelled: a fault of its own, and not the end of the run.
        raise RuntimeError("CancelledError: what it waited for was cancelled") from error
