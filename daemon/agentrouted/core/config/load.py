"""From the text of the file to a configuration or problems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentrouted.core.config.content import Content, read_content
from agentrouted.core.config.document import Document, dotted
from agentrouted.core.config.model import Config
from agentrouted_protocol.config import Problem


@dataclass(frozen=True)
class Loaded:
    config: Config | None
    """None if there is an error among `problems`; warnings allow one."""

    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    """By dotted path, where the value was written."""

    included: Mapping[Path, Content] = field(default_factory=dict)
    """The files that it includes, as they were read."""


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Read and check the file at `path`. No file is the defaults."""
    return load_content(read_content(path), path, environ)


def load_content(content: Content, path: Path | None, environ: Mapping[str, str]) -> Loaded:
    if content.problem:
        return Loaded(None, (content.problem,))
    return load_text(content.text, path, environ) if content.text else Loaded(Config())


def load_text(text: str, path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Check a text as if it stood at `path`, and what it includes. All that is wrong is told at once, file by file."""
    # YAML is not loaded where there is no file to read.
    from agentrouted.core.config.include import Inclusion
    from agentrouted.core.config.names import unknown_names
    from agentrouted.core.config.nested import unheeded
    from agentrouted.core.config.part import in_order
    from agentrouted.core.config.yaml_source import parse

    document = parse(text.removeprefix("\ufeff"))
    inclusion = Inclusion(environ)
    whole = inclusion.with_included(document, path)
    named = [*unknown_names(whole.config, document), *unheeded(whole.config, document)] if whole.config else []
    faults = [*whole.problems] if whole.config else [*_another_kind(document, text), *whole.problems]
    problems = in_order([*named, *faults], path)
    good = not any(problem.severity == "error" for problem in problems)
    origins = {dotted(key): origin for key, origin in whole.origins.items()}
    return Loaded(whole.config if good else None, problems, origins, inclusion.contents)


def _another_kind(document: Document, text: str) -> Iterator[Problem]:
    """Of a file that is no config of ours because it is that of another router."""
    from agentrouted.core.config.importing import FORMATS, format_of

    if name := format_of(document, text):
        hint = "name it under `include` in a config of ours, or turn it into one: `agentrouted config import FILE`"
        yield Problem(message=f"the file is for {FORMATS[name].title}", hint=hint)
