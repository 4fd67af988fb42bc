"""A run on the terminal: as words, or as JSON Lines."""

import asyncio
import json
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Protocol, Self

from agentrouted.cli.approval import ask_on_terminal
from agentrouted.cli.terminal import Spinner, printable, say
from agentrouted.core.in_words import in_words
from agentrouted_protocol.client_requests import ToolApproveParams, ToolApproveResult
from agentrouted_protocol.events import (
    BudgetEvent,
    Fallback,
    ModelCallEnd,
    ModelCallStart,
    Retry,
    RunEvent,
    TextDelta,
    ToolCallEnd,
)
from agentrouted_protocol.messages import StopReason, Usage
from agentrouted_protocol.runs import RunResult

_ENDINGS: Final[dict[StopReason, str]] = {
    "max_tokens": "the answer was cut off: it reached the limit of output tokens",
    "refusal": "the model refused to answer",
    "cancelled": "cancelled",
    "loop": "stopped: the model went round in circles",
}


class Answer(Protocol):
    """Where a run is shown, inside a `with` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: RunEvent) -> None: ...

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        """Ask the person."""

    def show_result(self, result: RunResult) -> None: ...

    def show_bill(self, usage: Usage) -> None:
        """Of a run that has no result."""


class AnswerInWords(Answer):
    """The text on stdout as it comes; all else on stderr."""

    def __init__(self) -> None:
        self._spinner = Spinner()
        self._text = ""
        self._seconds = 0.0
        self._warned: set[str] = set()
        self._asking = asyncio.Lock()

    def __enter__(self) -> Self:
        self._spinner.start("starting")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spinner.stop()

    def show(self, event: RunEvent) -> None:
        match event:
            case ModelCallStart():
                self._warn(event.warnings or ())
                self._wait(f"{event.route.provider}/{event.route.model_id}")
            case TextDelta() if event.parent_run_id is None:
                self._write(event.text)
            case ToolCallEnd():
                self._note(f"{event.name} {'failed: ' + event.content if event.is_error else 'was called'}")
            case Retry():
                self._note(f"trying again in {event.delay:.1f} s: {event.reason}")
            case Fallback():
                self._note(f"going on with {event.route.provider}/{event.route.model_id}: {event.reason}")
            case BudgetEvent(waits=True):
                self._note(f"waiting for room in budget {event.name}")
            case ModelCallEnd():
                self._seconds += event.latency - (event.time_to_first_token or 0)

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        async with self._asking:
            self._spinner.stop()
            self._end_line()
            return await ask_on_terminal(params)

    def show_result(self, result: RunResult) -> None:
        if not self._text:
            self._write(result.text)
        if self._text and not self._text.endswith("\n"):
            self._write("\n")
        self._tell_end(result)

    def show_bill(self, usage: Usage) -> None:
        self._note(bill(usage, self._seconds))

    def _tell_end(self, result: RunResult) -> None:
        if ending := _ENDINGS.get(result.stop_reason):
            self._note(ending)
        self.show_bill(result.usage)

    def _warn(self, warnings: Iterable[str]) -> None:
        """Each once, however many turns there are."""
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._note(f"warning: {warning}")

    def _wait(self, words: str) -> None:
        self._end_line()
        # Another agent of the run goes on while a person is asked: nothing turns in the line where they type.
        if not self._asking.locked():
            self._spinner.start(words)

    def _note(self, words: str) -> None:
        self._spinner.stop()
        self._end_line()
        say((words, "dim"))

    def _write(self, text: str) -> None:
        self._spinner.stop()
        sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
        self._text = text or self._text

    def _end_line(self) -> None:
        """Before something else is written to the same terminal."""
        if sys.stdout.isatty() and self._text and not self._text.endswith("\n"):
            self._write("\n")


class OutputAsJson(AnswerInWords):
    """The structured answer on stdout when it is there; all else on stderr."""

    def show(self, event: RunEvent) -> None:
        if not isinstance(event, TextDelta):
            super().show(event)

    def show_result(self, result: RunResult) -> None:
        self._spinner.stop()
        if result.stop_reason == "end_turn":
            print(json.dumps(result.output, indent=2, ensure_ascii=False))
        self._tell_end(result)


class AnswerInJson(Answer):
    """Each event is a line, and so is the result: the last one."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""

    def show(self, event: RunEvent) -> None:
        print(json.dumps(event.to_wire()), flush=True)

    async def approve(self, params: ToolApproveParams) -> ToolApproveResult:
        async with self._asking:
            return await ask_on_terminal(params)

    def show_result(self, result: RunResult) -> None:
        print(json.dumps(result.to_wire()), flush=True)

    def show_bill(self, usage: Usage) -> None:
        """The error that follows has it."""


def bill(usage: Usage, seconds: float) -> str:
    """Such as `42 tokens/s · 18 tokens in, 120 out · $0.0012`; `seconds` are those in which the output came."""
    if not (usage.model_calls or usage.input_tokens or usage.output_tokens):
        return "nothing was spent"
    about = "about " if usage.estimated else ""
    parts = [
        f"{usage.output_tokens / seconds:.0f} tokens/s" if seconds > 0 and usage.output_tokens else None,
        f"{about}{in_words(usage.input_tokens, 'token')} in, {usage.output_tokens:,} out",
        in_words(usage.model_calls, "model call") if usage.model_calls > 1 else None,
        _cost(usage),
    ]
    return " · ".join(part for part in parts if part)


def _cost(usage: Usage) -> str:
    if usage.total_cost_usd is None:
        return "cost unknown"
    if usage.total_cost_usd == 0:
        return "free"
    return f"${usage.total_cost_usd:.4f}" if usage.total_cost_usd >= 0.0001 else f"${usage.total_cost_usd:.2g}"
