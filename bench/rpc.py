"""`python -m bench.rpc`: a request and its answer."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.channel import INITIALIZE, RESOLVE, Channel
from bench.measure import cpu_seconds, figure, percentile, print_machine, print_table, ratio
from bench.servers import joined, place, spawned
from bench.subjects import AGENTROUTED, BARE_ASYNCIO, PYGLS, VSCODE, Subject, present

WINDOW = 64
HEADER = ("", "p50 µs", "× bare", "p99 µs", f"{WINDOW} in flight /s", "CPU µs each", "× bare")
Opened = Callable[[list[str], Path], AbstractContextManager[tuple[Channel, int]]]


@dataclass
class Figures:
    """One subject's, of all rounds."""

    subject: Subject
    channel: Channel
    pid: int
    round_trips: list[float] = field(default_factory=list)
    answered: int = 0
    seconds: float = 0.0
    cpu: float | None = 0.0

    def measure(self, seconds: float) -> None:
        self.round_trips += self.channel.one_at_a_time(seconds)
        before = cpu_seconds(self.pid)
        answered, taken = self.channel.in_flight(seconds, WINDOW)
        after = cpu_seconds(self.pid)
        self.answered += answered
        self.seconds += taken
        self.cpu = None if self.cpu is None or before is None or after is None else self.cpu + after - before

    @property
    def p50(self) -> float:
        return percentile(self.round_trips, 50)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    @property
    def cpu_each(self) -> float | None:
        return None if self.cpu is None else self.cpu / self.answered * 1e6

    def row(self, base: "Figures") -> tuple[str, ...]:
        return (
            self.subject.name,
            figure(self.p50),
            ratio(self.p50, base.p50),
            figure(percentile(self.round_trips, 99)),
            figure(self.rate),
            figure(self.cpu_each, 1),
            ratio(self.cpu_each, base.cpu_each),
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rpc", description="A request and its answer.")
    parser.add_argument("--rounds", type=int, default=5, help="all subjects are measured in turn, so many times")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure in a round")
    options = parser.parse_args()
    print_machine()
    subjects = present([BARE_ASYNCIO, AGENTROUTED, VSCODE, PYGLS])
    with place() as where:
        commands = [(subject, subject.over_stdio(where)) for subject in subjects]
        report("resolveModel over stdio", compare(commands, spawned, where, options.rounds, options.seconds))
        commands = [(subject, subject.over_socket(where)) for subject in subjects if subject.socket]
        report("resolveModel over a Unix socket", compare(commands, joined, where, options.rounds, options.seconds))


def compare(
    commands: Sequence[tuple[Subject, list[str]]], opened: Opened, place: Path, rounds: int, seconds: float
) -> list[Figures]:
    """All of them run from the start, and are measured in turn."""
    with ExitStack() as stack:
        compared = [Figures(subject, *stack.enter_context(opened(command, place))) for subject, command in commands]
        for figures in compared:
            figures.channel.ask(INITIALIZE)
            figures.channel.ask(RESOLVE[0])
            figures.channel.one_at_a_time(seconds)
        for _ in range(rounds):
            for figures in compared:
                figures.measure(seconds)
    return compared


def report(title: str, compared: Sequence[Figures]) -> None:
    print_table(title, HEADER, [figures.row(compared[0]) for figures in compared])


if __name__ == "__main__":
    main()
