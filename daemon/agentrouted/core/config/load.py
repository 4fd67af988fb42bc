"""From the text of the file to a configuration or problems."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentrouted.core.config.content import Content, read_content
from agentrouted.core.config.document import Document, KeyPath, dotted
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem


@dataclass(frozen=True)
class Loaded:
    config: Config | None
    """None if there is an error among `problems`; warnings allow one."""

    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    """By dotted path, where the value was written."""


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Read and check the file at `path`. No file is the defaults."""
    return load_content(read_content(path), path, environ)


def load_content(content: Content, path: Path | None, environ: Mapping[str, str]) -> Loaded:
    if content.problem:
        return Loaded(None, (content.problem,))
    return load_text(content.text, path, environ) if content.text else Loaded(Config())


def load_text(text: str, path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Check a text as if it stood at `path`. All that is wrong is told at once, in the order of the file."""
    # YAML is not loaded where there is no file to read.
    from agentrouted.core.config.chat_templates import unusable_templates
    from agentrouted.core.config.expand import Expansion
    from agentrouted.core.config.names import unknown_names
    from agentrouted.core.config.yaml_source import parse

    document = parse(text.removeprefix("\ufeff"))
    expansion = Expansion(document, environ)
    config, invalid = _validate(expansion.data, document)
    problems = [*document.problems, *expansion.problems]
    told = {problem.path for problem in expansion.problems}
    problems += [problem for problem in invalid if problem.path not in told]
    problems += unusable_templates(config, document, path, environ) if config else ()
    problems += unknown_names(config, document) if config else ()
    good = not any(problem.severity == "error" for problem in problems)
    return Loaded(config if good else None, _in_order(problems, path), _origins(document, expansion.variables, path))


def _validate(data: Any, document: Document) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        from agentrouted.core.config.problems import problem_of

        found = error.errors(include_url=False, include_input=False)
        return None, [problem_of(each, document) for each in found]


def _in_order(problems: Iterable[Problem], path: Path | None) -> tuple[Problem, ...]:
    placed = [problem.model_copy(update={"file": str(path) if path else None}) for problem in problems]
    return tuple(sorted(placed, key=_position))


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.range.start.line, problem.range.start.character) if problem.range else (0, 0)


def _origins(document: Document, variables: Mapping[KeyPath, str], path: Path | None) -> Mapping[str, str]:
    lines = {key: f"{path}:{place.value.start.line + 1}" for key, place in document.places.items() if key}
    lines |= {key: f"env:{name}" for key, name in variables.items()}
    return {dotted(key): origin for key, origin in lines.items()}
