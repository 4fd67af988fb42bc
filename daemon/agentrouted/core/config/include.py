"""`include`: what other files say, under what this one says."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agentrouted.core.config.content import Content, read_content
from agentrouted.core.config.document import Document, KeyPath
from agentrouted.core.config.environment import path_beside
from agentrouted.core.config.model import Config
from agentrouted.core.config.part import Part, checked
from agentrouted.core.config.yaml_source import parse
from agentrouted_protocol.config import Problem

MAX_FILES: Final = 50
_DEFAULTS: Final = {"default_provider", "api_base"}


class Inclusion:
    """Follows `include` from file to file."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._read_files = 0
        self.contents: dict[Path, Content] = {}
        """What was read, for those who want to know whether it has changed."""

    def with_included(self, document: Document, path: Path | None, inside: tuple[Path, ...] = ()) -> Part:
        """The file at `path`, over all that it includes."""
        own = checked(document, path, self._environ)
        here = (*inside, path.resolve()) if path else inside
        parts: list[Part] = []
        problems: list[Problem] = []
        for where, name in _includes(own.config, document):
            found = self._included(path_beside(name, path, self._environ), here)
            parts += [found] if isinstance(found, Part) else []
            if problem := _summary(name, found) if isinstance(found, Part) else found:
                problems.append(_at(document, where, problem, path))
        config = merge(own.config, [part.config for part in parts if part.config]) if own.config else None
        inner = [problem for part in parts for problem in part.problems]
        return Part(config, (*own.problems, *problems, *inner), _origins(own, parts))

    def _included(self, path: Path, inside: tuple[Path, ...]) -> Part | Problem:
        """What is in the file, or why it cannot be included."""
        if path.resolve() in inside:
            circle = " → ".join(str(each) for each in (*inside, path.resolve()))
            return Problem(message=f"files include each other in a circle: {circle}", hint="take one of them out")
        self._read_files += 1
        if self._read_files > MAX_FILES:
            return Problem(message=f"more than {MAX_FILES} files are included", hint="put some of them together")
        content = self.contents[path] = read_content(path)
        if content.problem:
            return Problem(message=f"{path}: {content.problem.message}", hint=content.problem.hint)
        if content.text is None:
            return Problem(message=f"there is no file {path}", hint="create it, or name another")
        return self._read(content.text.removeprefix("\ufeff"), path, inside)

    def _read(self, text: str, path: Path, inside: tuple[Path, ...]) -> Part:
        # Only a file that includes others needs these.
        from agentrouted.core.config.importing import format_of, key_document, read_document, warning_of

        document = parse(text)
        name = format_of(document, text)
        if name is None:
            return self.with_included(document, path, inside)
        reading = read_document(key_document(text, path) if name == "keyvalue" else document, name)
        part = checked(reading.document, path, self._environ)
        told = [warning_of(finding, where, path) for finding, where in reading.findings if finding.fit != "exact"]
        return Part(part.config, (*part.problems, *told), part.origins)


def merge(own: Config, included: Sequence[Config]) -> Config:
    """Name by name: what the file itself says wins, then what was included last."""
    values: dict[str, Any] = {}
    for config in (*included, own):
        for name in config.model_fields_set - {"include"}:
            value = getattr(config, name)
            values[name] = _over(values.get(name, {}), value) if isinstance(value, dict) else value
            if name in _DEFAULTS:
                # They say the same in two ways, and only one of them can count.
                values = {key: each for key, each in values.items() if key == name or key not in _DEFAULTS}
    return Config.model_construct(_fields_set=None, **values, include=own.include)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    # Model strings do not tell names of providers apart by case.
    taken = {name.casefold() for name in above}
    return {**above, **{name: value for name, value in below.items() if name.casefold() not in taken}}


def _origins(own: Part, included: Sequence[Part]) -> dict[KeyPath, str]:
    """Of a name that stands in several files, from the one that counts."""
    origins: dict[KeyPath, str] = {}
    for part in (*included, own):
        named = {path[:2] for path in part.origins}
        origins = {path: origin for path, origin in origins.items() if path[:2] not in named} | dict(part.origins)
    return origins


def _includes(config: Config | None, document: Document) -> Iterator[tuple[KeyPath, str]]:
    """Where each stands, and the file."""
    data = document.data if isinstance(document.data, dict) else {}
    around: KeyPath = () if "include" in data else ("config",)
    for number, name in enumerate(config.include if config else ()):
        yield (*around, "include", number), name


def _at(document: Document, where: KeyPath, problem: Problem, path: Path | None) -> Problem:
    place = document.place_of(where)
    found = {"path": "include", "range": place.value if place else None, "file": str(path) if path else None}
    return problem.model_copy(update=found)


def _summary(name: str, part: Part) -> Problem | None:
    """In the file that includes it: that something is wrong there."""
    errors = [problem for problem in part.problems if problem.severity == "error"]
    if not errors:
        return None
    first = errors[0]
    where = f"{first.file}:{first.range.start.line + 1}" if first.range else f"{first.file}"
    return Problem(message=f"`{name}` cannot be included: {where}: {first.message}", hint=first.hint)
