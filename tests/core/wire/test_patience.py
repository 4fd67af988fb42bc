"""One timer for many waits."""

import asyncio

import pytest

from agentrouted.core.wire.patience import Patience


async def test_a_wait_that_is_too_long_ends() -> None:
    patience = Patience(0.01)
    with pytest.raises(TimeoutError):
        await patience.wait(asyncio.Event().wait())
    patience.stop()


async def test_short_waits_may_be_longer_together() -> None:
    loop, patience = asyncio.get_running_loop(), Patience(0.2)
    for _ in range(6):
        soon = asyncio.Event()
        loop.call_later(0.05, soon.set)
        assert await patience.wait(soon.wait())
    patience.stop()


async def test_time_between_waits_does_not_count() -> None:
    patience, pause = Patience(0.02), asyncio.Event()
    asyncio.get_running_loop().call_later(0.07, pause.set)
    await pause.wait()
    ready = asyncio.Event()
    ready.set()
    assert await patience.wait(ready.wait())
    patience.stop()


async def test_another_limit_counts_from_then_on() -> None:
    patience = Patience(60)
    patience.change(0.01)
    with pytest.raises(TimeoutError):
        await patience.wait(asyncio.Event().wait())
    patience.stop()


async def test_whoever_cancels_the_task_is_obeyed() -> None:
    patience = Patience(60)
    task = asyncio.create_task(patience.wait(asyncio.Event().wait()))
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    patience.stop()


async def test_a_limit_around_it_ends_it_too() -> None:
    patience = Patience(60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await patience.wait(asyncio.Event().wait())
    patience.stop()


async def test_a_task_that_went_on_from_a_cancellation_still_has_its_limit() -> None:
    async def go_on() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            patience = Patience(0.01)
            with pytest.raises(TimeoutError):
                await patience.wait(asyncio.Event().wait())
            patience.stop()
        return "went on"

    task = asyncio.create_task(go_on())
    asyncio.get_running_loop().call_soon(task.cancel)
    assert await task == "went on"


async def test_a_limit_that_was_reached_does_not_hide_a_later_cancellation() -> None:
    patience, again = Patience(0.01), asyncio.Event()

    async def wait_twice() -> None:
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.Event().wait())
        again.set()
        await patience.wait(asyncio.Event().wait())

    task = asyncio.create_task(wait_twice())
    await again.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    patience.stop()
