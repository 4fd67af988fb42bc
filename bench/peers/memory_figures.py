"""A memory measured: how long it takes, and how much CPU."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

AT_ONCE = 64

# Seconds after which what is slow has been measured long enough.
_ENOUGH = 5.0

# Seconds in which what was written is put in order, by those who do so: that is no part of a question.
_PAUSE = 2.0

Call = Callable[[str], Awaitable[Any]]


@dataclass(frozen=True)
class Work:
    """Texts that are remembered together and one after the other, and questions by their kind."""

    together: Sequence[str]
    alone: Sequence[str]
    questions: Mapping[str, Sequence[str]]


@dataclass
class Figures:
    """In seconds, each; CPU is that of all threads of the process."""

    together_rate: float = 0.0
    together_cpu: float = 0.0
    alone: float = 0.0
    alone_cpu: float = 0.0
    recalled: dict[str, Sequence[float]] = field(default_factory=dict)
    """By kind of question: p50, p95, CPU."""


async def measure(remember: Call, recall: Call, work: Work) -> Figures:
    figures = Figures()
    cpu, began, done = time.process_time(), time.perf_counter(), 0
    while done < len(work.together) and time.perf_counter() - began < _ENOUGH:
        await asyncio.gather(*map(remember, work.together[done : done + AT_ONCE]))
        done += AT_ONCE
    figures.together_cpu = (time.process_time() - cpu) / done
    figures.together_rate = done / (time.perf_counter() - began)
    figures.alone, _, figures.alone_cpu = await one_by_one(remember, work.alone)
    await asyncio.sleep(_PAUSE)
    figures.recalled = {name: await one_by_one(recall, questions) for name, questions in work.questions.items()}
    return figures


async def one_by_one(call: Call, texts: Sequence[str]) -> Sequence[float]:
    cpu, first, seconds = time.process_time(), time.perf_counter(), []
    for text in texts:
        began = time.perf_counter()
        await call(text)
        seconds.append(time.perf_counter() - began)
        if time.perf_counter() - first > _ENOUGH:
            break
    seconds.sort()
    each = (time.process_time() - cpu) / len(seconds)
    return seconds[len(seconds) // 2], seconds[len(seconds) * 95 // 100], each
