"""`python -m bench.runs`: what one whole run of an agent costs."""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.measure import figure, percentile, print_machine, print_table, ratio

HERE: Final = Path(__file__).parents[1]
THEIRS: Final = str(Path(sys.prefix) / "peers/bin/python")
"""Where `scripts/install-peers` puts what others make."""

HEADER: Final = ("", "CPU ms each", "× httpx", "{} at once /s", "× httpx", "CPU ms each", "failed")


@dataclass(frozen=True)
class Subject:
    name: str
    module: str
    options: tuple[str, ...] = ()
    python: str = sys.executable


SUBJECTS: Final = (
    Subject("bare httpx", "runs_httpx"),
    Subject("agentrouted, core", "runs_agentrouted"),
    Subject("agentrouted, with a journal", "runs_agentrouted", ("--journal",)),
    Subject("agentrouted, Agent", "runs_agent"),
    Subject("openai-agents", "runs_openai_agents", python=THEIRS),
    Subject("pydantic-ai", "runs_pydantic_ai", python=THEIRS),
)


@dataclass
class Figures:
    """One subject's, of all rounds."""

    subject: Subject
    process: "subprocess.Popen[str]"
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of CPU for a run, one after the other."""

    cpu_together: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    """Those a second that have ended well, of all that were begun at once."""

    failed: int = 0

    def measure(self, times: int, at_once: int) -> None:
        self.cpu.append(self._ask("sequential", times)[0] / times * 1000)
        cpu, seconds, failed = self._ask("together", at_once)
        self.cpu_together.append(cpu / at_once * 1000)
        self.rate.append((at_once - failed) / seconds)
        self.failed += failed

    def warm_up(self) -> None:
        self._ask("sequential", 20)

    def row(self, base: "Figures") -> tuple[str, ...]:
        cpu, rate = percentile(self.cpu, 50), percentile(self.rate, 50)
        return (
            self.subject.name,
            figure(cpu, 2),
            ratio(cpu, percentile(base.cpu, 50)),
            figure(rate),
            ratio(rate, percentile(base.rate, 50)),
            figure(percentile(self.cpu_together, 50), 2),
            figure(self.failed),
        )

    def _ask(self, how: str, times: int) -> tuple[float, float, int]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{how} {times}\n")
        self.process.stdin.flush()
        cpu, seconds, failed = json.loads(self.process.stdout.readline())
        return cpu, seconds, failed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.runs", description="What one whole run of an agent costs.")
    parser.add_argument("--rounds", type=int, default=3, help="all subjects are measured in turn, so many times")
    parser.add_argument("--runs", type=int, default=200, help="one after the other, in a round")
    parser.add_argument("--at-once", type=int, default=1000, help="at the same time, in a round")
    options = parser.parse_args()
    print_machine()
    # Each run at once has a connection of its own.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    measured = measure(present(SUBJECTS), options.rounds, options.runs, options.at_once)
    header = [name.format(f"{options.at_once:,}") for name in HEADER]
    print_table("One run: a prompt, an answer", header, [figures.row(measured[0]) for figures in measured])


def present(subjects: Sequence[Subject]) -> list[Subject]:
    """Those that can be measured here; says why others are left out."""
    if Path(THEIRS).exists():
        return list(subjects)
    print("what others make is left out: scripts/install-peers brings it")
    return [subject for subject in subjects if subject.python != THEIRS]


def measure(subjects: Sequence[Subject], rounds: int, times: int, at_once: int) -> list[Figures]:
    """All of them run from the start, and are measured in turn, each against one and the same server."""
    with ExitStack() as stack:
        upstream = stack.enter_context(_started(sys.executable, "instant_upstream"))
        assert upstream.stdout is not None
        url = upstream.stdout.readline().strip()
        measured = [
            Figures(each, stack.enter_context(_started(each.python, each.module, url, *each.options)))
            for each in subjects
        ]
        for figures in measured:
            figures.warm_up()
        for _ in range(rounds):
            for figures in measured:
                figures.measure(times, at_once)
    return measured


@contextmanager
def _started(python: str, module: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends when its stdin does."""
    command = [python, "-m", f"bench.peers.{module}", *arguments]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


if __name__ == "__main__":
    main()
