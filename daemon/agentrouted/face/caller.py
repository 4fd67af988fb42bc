"""The event loop that a run was started from."""

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from agentrouted.core.errors import AgentroutedError

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class Caller:
    """Whatever the user has written is called there, with the context variables that were set there.

    Make one in a coroutine of the user's; `call` it from the core's loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    async def call(
        self,
        function: Callable[_Parameters, _Result | Awaitable[_Result]],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Call it, await what it returns if that can be awaited, and raise what it raises."""
        called = _called(function, *args, **kwargs)
        try:
            future = self._context.run(asyncio.run_coroutine_threadsafe, called, self._loop)
        except RuntimeError:
            called.close()
            raise AgentroutedError("the event loop that the run was started from is closed") from None
        return await asyncio.wrap_future(future)


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
