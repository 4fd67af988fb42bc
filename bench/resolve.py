"""`python -m bench.resolve`: `resolveModel` for models elsewhere."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from bench.channel import INITIALIZE, NEW, RESOLVE, Channel
from bench.measure import cpu_seconds, figure, percentile, print_machine, print_table, resident_mib
from bench.servers import place, spawned
from bench.subjects import AGENTROUTED

HEADER = ("", "p50 ms", "p99 ms", "CPU ms each", "memory MiB more")
_NEW_IN_A_ROUND = 200


class Figures:
    """Of all rounds, for one kind of question."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.milliseconds: list[float] = []
        self.cpu = 0.0
        self.memory: list[float] = []

    def measure(self, channel: Channel, pid: int, questions: Sequence[bytes]) -> None:
        cpu, memory = cpu_seconds(pid), resident_mib(pid)
        for question in questions:
            begin = time.perf_counter()
            channel.ask(question)
            self.milliseconds.append((time.perf_counter() - begin) * 1000)
        self.cpu += ((cpu_seconds(pid) or 0) - (cpu or 0)) * 1000
        self.memory.append((resident_mib(pid) or 0) - (memory or 0))

    def row(self) -> tuple[str, ...]:
        each = figure(self.cpu / len(self.milliseconds), 2)
        p50, p99 = (figure(percentile(self.milliseconds, percent), 2) for percent in (50, 99))
        return (self.name, p50, p99, each, figure(percentile(self.memory, 50), 1))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.resolve", description="Models elsewhere, with their prices.")
    parser.add_argument("--rounds", type=int, default=5, help="each is a home folder of its own")
    options = parser.parse_args()
    print_machine()
    ever, first = Figures("the first in this home folder"), Figures("the first of a process")
    new, kept = Figures("a new one"), Figures("the same again")
    for _ in range(options.rounds):
        with place() as where:
            one_process(where, [(ever, NEW[:1])])
            one_process(where, [(first, NEW[:1]), (new, NEW[1:_NEW_IN_A_ROUND]), (kept, NEW[1:2] * _NEW_IN_A_ROUND)])
    print_table("resolveModel for a model elsewhere", HEADER, [figures.row() for figures in (ever, first, new, kept)])


def one_process(where: Path, asked: Sequence[tuple[Figures, Sequence[bytes]]]) -> None:
    with spawned(AGENTROUTED.over_stdio(where), where) as (channel, pid):
        channel.ask(INITIALIZE)
        channel.ask(RESOLVE[0])
        # What was put off until after the first answers is done by now.
        time.sleep(2)
        for figures, questions in asked:
            figures.measure(channel, pid, questions)


if __name__ == "__main__":
    main()
