"""How fast memory is, beside plain sqlite3 and a peer."""

import itertools
import json
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from agentrouted.core.memory.remembering import remember_all
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryRecallParams, MemoryRememberParams, Source
from bench.measure import figure, print_table, ratio
from bench.peers.memory_figures import AT_ONCE, Figures, Work, measure, one_by_one
from bench.peers.memory_sqlite import PlainMemory

_HERE: Final = Path(__file__).parents[1]
_THEIRS: Final = Path(sys.prefix) / "peers/bin/python"

_AT_ONE_GO: Final = 1000

_FREQUENT: Final = "the most frequent word"

# A question may take so many seconds (p50) among 100,000 facts on the machine that the aims were measured on. There,
# plain sqlite3 ranks a match in so many, and an operation that does nothing on a thread takes so many, there and back.
_AIM: Final = 0.6e-3
_A_MATCH: Final = 0.9e-6
_A_HOP: Final = 75e-6


@dataclass(frozen=True)
class Machine:
    """In seconds, what no memory can be quicker than."""

    match: float
    hop: float

    @property
    def aim(self) -> float:
        """`_AIM`, as it would be here."""
        return self.hop + (_AIM - _A_HOP) * self.match / _A_MATCH


async def speed(folder: Path, count: int) -> None:
    """Of questions among `count` facts, and of facts that come to them."""
    work, filling = _work(count)
    ours, hop = await _ours(folder / "ours.db", filling, work)
    plain, match = await _plain(folder / "plain.db", filling, work)
    measured = {"agentrouted": ours, "plain sqlite3": plain, "MemorySQLite": _theirs(folder, filling, work)}
    present = {name: figures for name, figures in measured.items() if figures is not None}
    base = present["plain sqlite3"]
    print_table(
        f"Remember, among {count:,} facts",
        ("", f"{AT_ONCE} at once /s", "CPU µs each", "× sqlite3", "one p50 µs", "CPU µs", "× sqlite3"),
        [_remembered(name, figures, base) for name, figures in present.items()],
    )
    machine = Machine(match, hop)
    print_table(
        f"Recall among {count:,} facts",
        ("", "p50 ms", "aim here", "p95 ms", *(f"CPU ms, {name}" for name in present)),
        [_recalled(name, machine, list(present.values())) for name in work.questions],
    )
    print_table(
        "What the aim here is made of",
        ("", "here", "where it is 0.6 ms"),
        [
            ("a match ranked by plain sqlite3, µs", figure(match * 1e6, 2), figure(_A_MATCH * 1e6, 2)),
            ("nothing, on the database's thread and back, ms", figure(hop * 1e3, 3), figure(_A_HOP * 1e3, 3)),
        ],
    )


def _work(count: int) -> tuple[Work, list[str]]:
    """What is measured, and the facts that are there before."""
    random = Random(2)
    words = ["".join(random.choices("bdfgklmnprst", k=3)) + random.choice("aeiou") + str(n) for n in range(30_000)]
    frequent = list(itertools.accumulate(1 / (place + 2) ** 0.9 for place in range(len(words))))

    def texts(number: int) -> list[str]:
        return [" ".join(random.choices(words, cum_weights=frequent, k=12)) for _ in range(number)]

    filling = texts(count)
    questions = {
        _FREQUENT: [words[0]] * 50,
        "a rare word": words[5000:5200],
        "four words": [" ".join(random.choices(words, k=4)) for _ in range(200)],
        "four frequent words": [" ".join(random.choices(words[:300], k=4)) for _ in range(200)],
    }
    return Work(texts(30 * AT_ONCE), texts(500), questions), filling


async def _ours(path: Path, filling: list[str], work: Work) -> tuple[Figures, float]:
    """And what a hop takes."""
    database = await Database.open(path)
    store = Store(database)
    for first in range(0, len(filling), _AT_ONE_GO):
        await database.write(partial(_fill, texts=filling[first : first + _AT_ONE_GO]))
    figures = await measure(
        lambda text: store.remember(MemoryRememberParams(text=text)),
        lambda query: store.recall(MemoryRecallParams(query=query)),
        work,
    )
    hop, _, _ = await one_by_one(lambda _: database.read(lambda connection: None), [""] * 500)
    await store.aclose()
    return figures, hop


def _fill(connection: sqlite3.Connection, texts: list[str]) -> None:
    remember_all(connection, [(MemoryRememberParams(text=text), Source(), None) for text in texts])


async def _plain(path: Path, filling: list[str], work: Work) -> tuple[Figures, float]:
    """And what a match takes."""
    memory = PlainMemory(path)
    memory.fill(filling)
    figures = await measure(memory.remember, memory.recall, work)
    match = memory.seconds_of_a_match(work.questions[_FREQUENT][0])
    memory.close()
    return figures, match


def _theirs(folder: Path, filling: list[str], work: Work) -> Figures | None:
    """What AgentRoute's SDK has, in a process of its own."""
    if not _THEIRS.exists():
        print("MemorySQLite is left out: scripts/install-peers brings it")
        return None
    task = folder / "work.json"
    task.write_text(json.dumps({"filling": filling, **work.__dict__}))
    command = [str(_THEIRS), "-m", "bench.peers.memory_agentroute", str(folder / "theirs.db"), str(task)]
    told: dict[str, Any] = json.loads(subprocess.run(command, cwd=_HERE, stdout=subprocess.PIPE, check=True).stdout)
    return Figures(**told)


def _remembered(name: str, figures: Figures, base: Figures) -> tuple[str, ...]:
    return (
        name,
        figure(figures.together_rate),
        figure(figures.together_cpu * 1e6),
        ratio(figures.together_cpu, base.together_cpu),
        figure(figures.alone * 1e6),
        figure(figures.alone_cpu * 1e6),
        ratio(figures.alone_cpu, base.alone_cpu),
    )


def _recalled(name: str, machine: Machine, measured: list[Figures]) -> tuple[str, ...]:
    p50, p95, _ = measured[0].recalled[name]
    cpu = [figures.recalled[name][2] for figures in measured]
    return (name, *(figure(each * 1e3, 2) for each in (p50, machine.aim, p95, *cpu)))
