"""`python -m bench.start`: how soon it answers, what it holds."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.channel import INITIALIZE, RESOLVE
from bench.measure import cpu_seconds, figure, percentile, print_machine, print_table, ratio, resident_mib
from bench.servers import joined, place, spawned
from bench.subjects import AGENTROUTED, BARE_LOOP, CONNECT, PYGLS, VSCODE, Subject, present

START_HEADER = ("", "initialize ms", "× bare", "first resolveModel ms", "× bare", "CPU ms")
IDLE_HEADER = ("", "memory MiB", "× bare", "CPU ms per second")


@dataclass
class Figures:
    """One subject's, of all rounds: milliseconds since the spawn, and of CPU until the second answer."""

    subject: Subject
    initialize: list[float] = field(default_factory=list)
    resolve: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float | None = None
    idle_cpu: float | None = None

    def start(self, where: Path) -> None:
        begin = time.perf_counter()
        with spawned(self.subject.over_stdio(where), where) as (channel, pid):
            channel.ask(INITIALIZE)
            self.initialize.append((time.perf_counter() - begin) * 1000)
            channel.ask(RESOLVE[0])
            self.resolve.append((time.perf_counter() - begin) * 1000)
            if (cpu := cpu_seconds(pid)) is not None:
                self.cpu.append(cpu * 1000)

    def idle(self, where: Path, seconds: float) -> None:
        with spawned(self.subject.over_stdio(where), where) as (channel, pid):
            channel.ask(INITIALIZE)
            channel.ask(RESOLVE[0])
            # What was put off until after the first answers is done by now.
            time.sleep(2)
            self.memory, before = resident_mib(pid), cpu_seconds(pid)
            time.sleep(seconds)
            after = cpu_seconds(pid)
            self.idle_cpu = None if before is None or after is None else (after - before) * 1000 / seconds

    def start_row(self, base: "Figures") -> tuple[str, ...]:
        first, second = percentile(self.initialize, 50), percentile(self.resolve, 50)
        return (
            self.subject.name,
            figure(first),
            ratio(first, percentile(base.initialize, 50)),
            figure(second),
            ratio(second, percentile(base.resolve, 50)),
            figure(percentile(self.cpu, 50) if self.cpu else None),
        )

    def idle_row(self, base: "Figures") -> tuple[str, ...]:
        return (self.subject.name, figure(self.memory), ratio(self.memory, base.memory), figure(self.idle_cpu, 2))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.start", description="Starts, and idling.")
    parser.add_argument("--rounds", type=int, default=10, help="all subjects are started in turn, so many times")
    parser.add_argument("--idle", type=float, default=5, help="seconds to look at each while nothing happens")
    options = parser.parse_args()
    print_machine()
    subjects = present([BARE_LOOP, AGENTROUTED, CONNECT, VSCODE, PYGLS])
    # `connect` joins a daemon that is there.
    with place() as where, joined(AGENTROUTED.over_socket(where), where):
        report(measure(subjects, where, options.rounds, options.idle))


def measure(subjects: Sequence[Subject], where: Path, rounds: int, idle: float) -> list[Figures]:
    measured = [Figures(subject) for subject in subjects]
    for _ in range(rounds):
        for figures in measured:
            figures.start(where)
    for figures in measured:
        figures.idle(where, idle)
    return measured


def report(measured: Sequence[Figures]) -> None:
    base = measured[0]
    print_table("From spawn to the answer", START_HEADER, [figures.start_row(base) for figures in measured])
    print_table("Idle", IDLE_HEADER, [figures.idle_row(base) for figures in measured])


if __name__ == "__main__":
    main()
