"""`python -m bench.memory`: what memory finds, and how fast."""

import argparse
import asyncio
import itertools
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from agentrouted.core.agent.configured_vectors import vectors_filled
from agentrouted.core.agent.embedding_calls import embedding_for
from agentrouted.core.config.environment import Environment
from agentrouted.core.memory.store import Store
from agentrouted.core.services import open_services
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryHit, MemoryRecallParams, SessionMessage
from agentrouted_protocol.scope import Scope
from bench.measure import figure, percentile, print_machine, print_table
from bench.memory_speed import speed

_TOPICS = {
    "pet": (
        "The {pet} is called {name}.",
        "What is the name of my {pet}?",
        ("cat", "dog", "parrot", "tortoise", "pony"),
    ),
    "home": ("My {home} lives in {name}.", "Where does my {home} live?", ("sister", "uncle", "neighbour", "cousin")),
    "meal": (
        "For {meal} I always order {name}.",
        "What did I say I order for {meal}?",
        ("breakfast", "lunch", "dinner"),
    ),
    "trip": ("We travelled to {name} by {trip}.", "Which place did we visit by {trip}?", ("train", "ferry", "bicycle")),
    "tool": ("I fixed it with the {tool} from {name}.", "Where was the {tool} from?", ("ladder", "drill", "saw")),
}
_THINGS = [thing for _, _, things in _TOPICS.values() for thing in things]
_CHATTER = (
    "Everybody speaks of the {thing} in the news.",
    "What do you think of the {thing}?",
    "I do not remember the name of that place with the {thing}.",
    "My friend lives where I saw the {thing}.",
    "That sounds good.",
    "How was your day?",
    "I was at work all day.",
    "Did you sleep well?",
    "It rained again.",
)


@dataclass(frozen=True)
class Question:
    text: str
    scope: Scope
    evidence: frozenset[str]
    """Ids of the messages that hold the answer."""


@dataclass
class Found:
    at_5: list[float] = field(default_factory=list)
    at_10: list[float] = field(default_factory=list)
    ranks: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def row(self, name: str) -> tuple[str, ...]:
        means = [sum(values) / len(values) for values in (self.at_5, self.at_10, self.ranks)]
        p50, p95 = (percentile(self.seconds, percent) * 1e3 for percent in (50, 95))
        return (name, str(len(self.ranks)), *(figure(mean, 3) for mean in means), figure(p50, 2), figure(p95, 2))


Fill = Callable[[Store], Awaitable[list[Question]]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description="What memory finds, and how fast.")
    parser.add_argument("--facts", type=int, default=100_000, help="so many are searched for the figures of speed")
    parser.add_argument("--conversations", type=Path, help="a folder with the conversations of LoCoMo, a file each")
    parser.add_argument("--vectors", metavar="MODEL", help="a model of embeddings: what is found by meaning as well")
    options = parser.parse_args()
    print_machine()
    with TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), options))


async def _measure(folder: Path, options: argparse.Namespace) -> None:
    conversations: dict[str, Fill] = {"own conversations": _own}
    if options.conversations is not None:
        conversations["LoCoMo"] = partial(_locomo, folder=options.conversations)
    rows = []
    for name, fill in conversations.items():
        rows.append((await _by_words(folder / f"{name}.db", fill)).row(name))
        if options.vectors is not None:
            rows.append((await _by_meaning_too(folder / name, fill, options.vectors)).row(f"{name}, with vectors"))
    header = ("", "questions", "recall@5", "recall@10", "MRR", "p50 ms", "p95 ms")
    print_table("What is found", header, rows)
    await speed(folder, options.facts)


async def _by_words(path: Path, fill: Fill) -> Found:
    store = Store(await Database.open(path))
    found = await _ask(await fill(store), store.recall)
    await store.aclose()
    return found


async def _by_meaning_too(home: Path, fill: Fill, model: str) -> Found:
    (home / ".agentroute").mkdir(parents=True)
    (home / ".agentroute/config.yaml").write_text(json.dumps({"memory": {"vectors": {"model": model}}}))
    async with open_services(replace(Environment.of_process(), home=home)) as services, vectors_filled(services):
        store = await services.memory.get()
        questions = await fill(store)
        assert store.vectors is not None
        while not store.vectors.filler.is_complete:
            if (error := store.vectors.filler.error) is not None:
                raise SystemExit(error)
            await store.vectors.filler.news()
        return await _ask(questions, partial(store.recall, embed=embedding_for(services)))


async def _ask(questions: list[Question], recall: Callable[[MemoryRecallParams], Awaitable[list[MemoryHit]]]) -> Found:
    found = Found()
    for question in questions:
        began = time.perf_counter()
        hits = await recall(MemoryRecallParams(query=question.text, scope=question.scope))
        found.seconds.append(time.perf_counter() - began)
        ids = [hit.id for hit in hits]
        found.at_5.append(len(question.evidence & set(ids[:5])) / len(question.evidence))
        found.at_10.append(len(question.evidence & set(ids)) / len(question.evidence))
        found.ranks.append(next((1 / place for place, each in enumerate(ids, 1) if each in question.evidence), 0.0))
    return found


async def _own(store: Store) -> list[Question]:
    """Twenty people who tell of themselves: each fact once, among chatter that speaks of the same things."""
    random, questions = Random(5), []
    for person in range(20):
        scope, asked = Scope(user=f"person {person}"), []
        turns: list[str] = []
        for topic, (fact, question, things) in _TOPICS.items():
            for thing in things:
                chatter = random.choices(_CHATTER, k=random.randrange(4, 12))
                turns += [turn.format(thing=random.choice(_THINGS)) for turn in chatter]
                turns.append(
                    fact.format(**{topic: thing, "name": f"{random.choice('BDKLMR')}{random.choice('aeiou')}ra"})
                )
                asked.append((question.format(**{topic: thing}), len(turns) - 1))
        messages = [
            SessionMessage(role="user" if place % 2 else "assistant", content=turn) for place, turn in enumerate(turns)
        ]
        ids = (await store.add_messages(f"session {person}", messages, scope)).ids
        questions += [Question(text, scope, frozenset({ids[place]})) for text, place in asked]
    return questions


async def _locomo(store: Store, folder: Path) -> list[Question]:
    questions = []
    for name, document in _documents(folder):
        scope = Scope(workspace=name)
        ids: dict[str, str] = {}
        for number in itertools.count(1):
            if (session := document.get(f"session_{number}")) is None:
                break
            day = f"({document[f'session_{number}_date_time']})"
            messages = [
                SessionMessage(role="user", name=day, content=f"{turn['speaker']}: {turn['text']}") for turn in session
            ]
            added = (await store.add_messages(f"{name} {number}", messages, scope)).ids
            ids |= {turn["dia_id"]: each for turn, each in zip(session, added, strict=True)}
        for asked in document["qa"]:
            turns = re.findall(r"D\d+:\d+", str(asked.get("evidence")))
            if evidence := frozenset(ids[turn] for turn in turns if turn in ids):
                questions.append(Question(asked["question"], scope, evidence))
    return questions


def _documents(folder: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(folder.rglob("*.json")):
        yield file.stem, json.loads(file.read_text())


if __name__ == "__main__":
    main()
