"""Functions that block, away from the event loop."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")


async def in_thread(function: Callable[[], _Result]) -> _Result:
    """Call `function` in a thread of its own, with a copy of this task's context variables.

    Not in a pool: a function that waits for other functions would have to wait for a place for them, and one that
    never ends would keep the program from ending. Who stops waiting does not stop the function.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()
    context = contextvars.copy_context()
    threading.Thread(target=_work, args=(loop, future, context, function), name="agentrouted-work", daemon=True).start()
    return await future


def _work(loop: Any, future: "asyncio.Future[Any]", context: contextvars.Context, function: Callable[[], Any]) -> None:
    result, error = None, None
    try:
        result = context.run(function)
    except BaseException as raised:  # noqa: BLE001  # a thread's owner: whatever it is, the one who waits gets it
        error = raised if _may_cross(raised) else RuntimeError(f"{type(raised).__name__}: {raised}")
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:
        return  # the loop is closed: nobody waits


def _may_cross(error: BaseException) -> bool:
    """Some exceptions mean something to the event loop itself."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration)


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
