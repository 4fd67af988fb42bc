"""One fetch for all who want a key."""

import asyncio

import pytest
from pydantic import SecretStr

from agentrouted.core.key_source import FetchedKey
from agentrouted.core.keys.base import KeptKeys, NoKey


class Source:
    """Gives key after key, each when its turn has come; None and errors as they are."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)
        self.fetched = 0
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> SecretStr | None:
        self.fetched += 1
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return None if answer is None else SecretStr(answer)


def text(key: FetchedKey | None) -> str | None:
    return key.value.get_secret_value() if key else None


async def test_a_key_is_fetched_once_for_all() -> None:
    kept, source = KeptKeys(), Source("a")
    source.gate.clear()
    waiting = [asyncio.create_task(kept.get("k", source.fetch)) for _ in range(50)]
    await source.begun.wait()
    source.gate.set()
    assert {text(key) for key in await asyncio.gather(*waiting)} == {"a"}
    assert text(await kept.get("k", source.fetch)) == "a"
    assert source.fetched == 1


async def test_keys_of_other_names_are_other_keys() -> None:
    kept, source = KeptKeys(), Source("a", "b")
    assert [text(await kept.get(name, source.fetch)) for name in ("k", "l", "k")] == ["a", "b", "a"]


async def test_an_old_key_is_fetched_anew() -> None:
    kept, source = KeptKeys(), Source("a", "b")
    assert [text(await kept.get("k", source.fetch, refresh=1e-9)) for _ in range(2)] == ["a", "b"]


async def test_a_forgotten_key_is_fetched_anew_and_the_new_one_is_not_forgotten_with_it() -> None:
    kept, source = KeptKeys(), Source("a", "b")
    first, second = [await kept.get("k", source.fetch) for _ in range(2)]
    assert first and second
    first.forget()
    assert text(await kept.get("k", source.fetch)) == "b"
    second.forget()
    assert text(await kept.get("k", source.fetch)) == "b"


async def test_what_failed_is_tried_again() -> None:
    kept, source = KeptKeys(), Source(NoKey("it is locked", "unlock it"), None, "a")
    with pytest.raises(NoKey):
        await kept.get("k", source.fetch)
    assert [text(await kept.get("k", source.fetch)) for _ in range(2)] == [None, "a"]


async def test_who_stops_waiting_does_not_stop_the_others() -> None:
    kept, source = KeptKeys(), Source("a")
    source.gate.clear()
    one, other = (asyncio.create_task(kept.get("k", source.fetch)) for _ in range(2))
    await source.begun.wait()
    one.cancel()
    await asyncio.wait([one])
    source.gate.set()
    assert text(await other) == "a"
    assert (source.fetched, source.cancelled, one.cancelled()) == (1, 0, True)


async def test_a_fetch_that_nobody_waits_for_is_cancelled_and_the_next_one_begins_anew() -> None:
    kept, source = KeptKeys(), Source("a")
    source.gate.clear()
    waiting = asyncio.create_task(kept.get("k", source.fetch))
    await source.begun.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (source.cancelled, waiting.cancelled()) == (1, True)
    source.gate.set()
    assert text(await kept.get("k", source.fetch)) == "a"
