"""Reads a folder's own file, which anybody may have written."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agentrouted.core.config.content import Content, read_untrusted
from agentrouted.core.config.document import dotted
from agentrouted.core.config.names import unknown_agents
from agentrouted.core.config.own_file import FILE_NAME, OwnFile
from agentrouted.core.config.part import in_order
from agentrouted.core.endpoint import Boundary
from agentrouted_protocol.config import Problem

_MOST_PROBLEMS: Final = 20
_LONGEST: Final = 500
"""Letters of what is told of one."""


def read_own_file(folder: str) -> OwnFile | None:
    """None if there is no such file. Reads the disk."""
    path = Path(folder) / FILE_NAME
    return own_file_of(path, read_untrusted(path))


def own_file_of(path: Path, content: Content, before: OwnFile | None = None) -> OwnFile | None:
    """None if there is no such file.

    `before` is what was in force, and stays in force if the file has an error now.
    """
    if content == Content(None):
        return None
    if before and before.content == content:
        return before
    if content.text is not None:
        return _checked(content.text, OwnFile(path, content), before)
    problem = content.problem
    own = OwnFile(path, content, problems=(problem,) if problem else ())
    return _not_in_force(before, own) if problem and problem.severity == "error" else own


def unanswered(path: Path) -> OwnFile:
    """In place of a file of which nobody can say yet whether it is there."""
    why = "the disk of this folder does not answer: whether it has such a file is not known"
    problem = Problem(message=why, file=str(path))
    return _not_in_force(None, OwnFile(path, Content(None, problem), problems=(problem,)))


def _checked(text: str, own: OwnFile, before: OwnFile | None) -> OwnFile:
    # None of this is loaded where no folder has a file.
    from agentrouted.core.config.problems import problem_of
    from agentrouted.core.config.workspace_file import WorkspaceFile
    from agentrouted.core.config.yaml_source import parse_untrusted

    document = parse_untrusted(text)
    problems = list(document.problems)
    said = None
    try:
        said = WorkspaceFile.model_validate(document.data)
        problems += islice(unknown_agents(said.agents, document), _MOST_PROBLEMS)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems += [problem_of(each, document, WorkspaceFile) for each in found[:_MOST_PROBLEMS]]
    own = replace(own, problems=tuple(map(_printable, in_order(problems, own.path)[:_MOST_PROBLEMS])))
    if problems or said is None:
        return _not_in_force(before, own)
    return replace(
        own,
        was_good=True,
        agents=said.agents,
        instructions=said.instructions,
        limits=said.limits.model_dump(exclude_none=True),
        places={name: document.places["agents", name].value for name in said.agents},
        origins={dotted(key): f"{own.path}:{place.value.start.line + 1}" for key, place in document.places.items()},
    )


def _not_in_force(before: OwnFile | None, own: OwnFile) -> OwnFile:
    if before and before.was_good:
        return replace(before, content=own.content, problems=own.problems)
    # There may be limits anywhere in a text that is not understood, and in a file that cannot be read at all.
    text = own.content.text
    in_doubt = own.problems[0] if text is None or "limits" in text else None
    stays: Mapping[str, Boundary] = {"boundary": "local"} if in_doubt else {}
    return replace(own, limits=stays, in_doubt=in_doubt)


def _printable(problem: Problem) -> Problem:
    # Names in it may be made to steer the terminal that shows them.
    said = {name: getattr(problem, name) for name in ("message", "path", "hint")}
    return problem.model_copy(update={name: _shown(text) for name, text in said.items() if text})


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in text)[:_LONGEST]
