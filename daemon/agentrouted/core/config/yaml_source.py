"""From YAML events to a document, bounded in every way."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from agentrouted.core.config.document import Document, KeyPath, Lines, Place, dotted, plain_scalar
from agentrouted_protocol.config import Problem, Range

MAX_DEPTH = 50
MAX_VALUES = 100_000
"""After aliases are put in; a few lines of aliases of aliases can stand for billions."""

MAX_UNTRUSTED_VALUES = 5_000

_STRING_TAGS = {"!", "tag:yaml.org,2002:str"}


def parse(text: str) -> Document:
    """Read YAML (or JSON, which is YAML). What is wrong is told in the document's `problems`."""
    return _parsed(text, _Bounds(MAX_VALUES, aliases=True))


def parse_untrusted(text: str) -> Document:
    """The same of a text that anybody may have written: what it says is no longer than the text, and read soon."""
    return _parsed(text, _Bounds(MAX_UNTRUSTED_VALUES, aliases=False))


@dataclass(frozen=True)
class _Bounds:
    values: int
    aliases: bool


def _parsed(text: str, bounds: _Bounds) -> Document:
    # Lone surrogates cannot be encoded; replaced one for one, all positions hold.
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        here = Lines(text).range(found.start(), found.end())
        return Document(None, {}, (Problem(message="the file holds a control character", range=here),))
    composer = _Composer(text, bounds)
    data = None
    try:
        data = composer.document()
    except yaml.MarkedYAMLError as error:
        composer.problems.append(_syntax_problem(error, text))
    except _TooMuch as error:
        composer.problems.append(error.problem)
    return Document(data, composer.places, tuple(composer.problems))


class _TooMuch(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Composer:
    # PyYAML's own composer, with libyaml, recurses in C without a bound: a few thousand `[` crash the process.

    def __init__(self, text: str, bounds: _Bounds) -> None:
        self.places: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self._lines = Lines(text)
        self._bounds = bounds
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)

    def document(self) -> Any:
        next(self._events)  # The start of the stream.
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        data = self._value(next(self._events), (), None)
        next(self._events)  # The end of the document.
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._complain(after, (), "has a second document, which is not read", hint="remove the `---`")
        return data

    def _value(self, event: yaml.Event, path: KeyPath, key: Range | None) -> Any:
        self._count(1, event, path)
        own = self._range(event)
        self.places[path] = Place(own if isinstance(event, yaml.ScalarEvent) or key is None else key, key)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._values
        data = self._scalar(event, path) if isinstance(event, yaml.ScalarEvent) else self._collection(event, path)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            # Known from its end on, so that no value can hold itself.
            self._anchors[event.anchor] = data, self._values - before
        return data

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Any:
        if event.tag and event.tag not in _STRING_TAGS:
            self._refuse_tag(event, path)
        is_plain = event.implicit[0] and not event.tag
        return plain_scalar(event.value) if is_plain else event.value

    def _collection(self, event: yaml.Event, path: KeyPath) -> Any:
        if isinstance(event, yaml.CollectionStartEvent) and event.tag:
            self._refuse_tag(event, path)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._complain(event, path, "has a key that is not text")
                self._value(event, (*path, "?"), None)
                self._value(next(self._events), (*path, "?"), None)
                continue
            name, key = event.value, self._range(event)
            if name in mapping:
                self._twice(event, (*path, name))
            mapping[name] = self._value(next(self._events), (*path, name), key)
        return mapping

    def _sequence(self, path: KeyPath) -> list[Any]:
        sequence: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            sequence.append(self._value(event, (*path, len(sequence)), None))
        return sequence

    def _alias(self, event: yaml.AliasEvent, path: KeyPath) -> Any:
        if not self._bounds.aliases:
            self._complain(event, path, "is an alias, which is not read in this file", hint="write it out")
            return None
        if event.anchor not in self._anchors:
            self._complain(event, path, f"refers to `&{event.anchor}`, which does not stand before it")
            return None
        data, size = self._anchors[event.anchor]
        self._count(size, event, path)
        return data

    def _count(self, values: int, event: yaml.Event, path: KeyPath) -> None:
        self._values += values
        if self._values > (most := self._bounds.values):
            raise _TooMuch(Problem(message=f"the file holds over {most} values", range=self._range(event)))
        if len(path) > MAX_DEPTH:
            raise _TooMuch(Problem(message=f"the file is over {MAX_DEPTH} levels deep", range=self._range(event)))

    def _refuse_tag(self, event: yaml.Event, path: KeyPath) -> None:
        self._complain(event, path, "has a YAML tag, which is not supported", hint="remove the word with `!`")

    def _twice(self, event: yaml.ScalarEvent, path: KeyPath) -> None:
        first = self.places[path].key
        line = first.start.line + 1 if first else 0
        self._complain(event, path, "is written twice", hint=f"it stands in line {line} already")

    def _complain(self, event: yaml.Event, path: KeyPath, message: str, *, hint: str | None = None) -> None:
        subject = f"`{dotted(path)}`" if path else "the file"
        problem = Problem(path=dotted(path), message=f"{subject} {message}", range=self._range(event), hint=hint)
        self.problems.append(problem)

    def _range(self, event: yaml.Event) -> Range:
        return self._lines.range(_offset(event.start_mark), _offset(event.end_mark))


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    offset = _offset(error.problem_mark)
    if offset >= len(text.rstrip()) and error.context_mark:
        # What is open at the end of the file is to be mended where it was opened.
        offset = _offset(error.context_mark)
    here = Lines(text).range(offset, offset + 1)
    if text[offset : offset + 1] == "\t":
        return Problem(message="the file is indented with a tab", range=here, hint="YAML wants spaces")
    return Problem(message=f"the file is not valid YAML: {error.problem}", range=here)


def _offset(mark: Any) -> int:
    return mark.index if mark else 0
