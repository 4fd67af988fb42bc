"""Problems of the config, as editors show them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentrouted_protocol.config import Problem

_SEVERITY = {"error": 1, "warning": 2}
_FIRST_CHARACTER = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}


def diagnostics(path: Path, problems: Sequence[Problem]) -> dict[str, Any]:
    """LSP 3.17, `PublishDiagnosticsParams` for one file. An empty list clears what was shown before."""
    own = [problem for problem in problems if problem.file in (None, str(path))]
    return {"uri": path.absolute().as_uri(), "diagnostics": [_diagnostic(problem) for problem in own]}


def refusal(path: Path | None, problems: Sequence[Problem]) -> str:
    """The same in one line, where an error keeps the file out of force."""
    first, *more = [problem for problem in problems if problem.severity == "error"]
    file = first.file or path
    line = f"{file}:{first.range.start.line + 1}" if first.range else f"{file}"
    others = f", and {len(more)} more: see `agentrouted config check`" if more else ""
    return f"{line} is not in force: {_message(first)}{others}"


def _diagnostic(problem: Problem) -> dict[str, Any]:
    return {
        "range": problem.range.to_wire() if problem.range else _FIRST_CHARACTER,
        "severity": _SEVERITY[problem.severity],
        "source": "agentrouted",
        **({"code": problem.path} if problem.path else {}),
        "message": _message(problem),
    }


def _message(problem: Problem) -> str:
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message
