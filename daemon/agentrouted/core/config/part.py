"""One file of the configuration, checked by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentrouted.core.config.chat_templates import unusable_templates
from agentrouted.core.config.document import Document, KeyPath
from agentrouted.core.config.expand import Expansion
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem


@dataclass(frozen=True)
class Part:
    config: Config | None
    """None where the file is not what it has to be."""

    problems: tuple[Problem, ...]
    origins: Mapping[KeyPath, str]
    """Where each value was written."""


def checked(document: Document, path: Path | None, environ: Mapping[str, str]) -> Part:
    expansion = Expansion(document, environ)
    config, invalid = _validate(expansion.data, document)
    told = {problem.path for problem in expansion.problems}
    problems = [*document.problems, *expansion.problems]
    problems += [problem for problem in invalid if problem.path not in told]
    problems += unusable_templates(config, document, path, environ) if config else ()
    return Part(config, in_order(problems, path), _origins(document, expansion.variables, path))


def in_order(problems: Iterable[Problem], path: Path | None) -> tuple[Problem, ...]:
    """As they stand in the file; those of other files after them."""
    own = str(path) if path else None
    placed = [problem if problem.file else problem.model_copy(update={"file": own}) for problem in problems]
    return tuple(sorted(placed, key=lambda problem: (problem.file != own, problem.file or "", _position(problem))))


def _validate(data: Any, document: Document) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        # Only a file with faults needs what tells them.
        from agentrouted.core.config.problems import problem_of

        found = error.errors(include_url=False, include_input=False)
        return None, [problem_of(each, document) for each in found]


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.range.start.line, problem.range.start.character) if problem.range else (0, 0)


def _origins(document: Document, variables: Mapping[KeyPath, str], path: Path | None) -> dict[KeyPath, str]:
    lines = {key: f"{path}:{place.value.start.line + 1}" for key, place in document.places.items() if key}
    return lines | {key: f"env:{name}" for key, name in variables.items()}
