"""Validation by jsonschema that gives up in time."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from agentrouted.core.schema.patterns import KEYWORDS, without_patterns

# A step is a keyword looked at for one part of a value. What is honest takes a few for each part; a schema whose
# alternatives hold itself can ask for more of them than a lifetime has.
_STEPS: Final = 20_000
_STEPS_A_PART: Final = 20

# Levels of a value: each takes several calls of Python's stack, which has room for a thousand.
_DEEPEST: Final = 64

_steps_left: ContextVar[list[int]] = ContextVar("steps_left")


class GivenUp(Exception):
    """More steps than are worth it."""


@contextmanager
def within_bounds(value: Any) -> Iterator[None]:
    """Checking `value` inside may take so many steps altogether, then it raises `GivenUp`."""
    token = _steps_left.set([_STEPS + _STEPS_A_PART * _parts(value)])
    try:
        yield
    finally:
        _steps_left.reset(token)


def count_step() -> None:
    left = _steps_left.get()
    left[0] -= 1
    if left[0] < 0:
        raise GivenUp


@dataclass(frozen=True, slots=True)
class Rules:
    """A schema that can be asked."""

    schema: Any
    _validator: Validator
    _document: Resource[Any]
    _registry: Registry[Any]
    _lookup: Callable[[str], Any]

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> "Rules":
        draft = validator_for(schema, default=Draft202012Validator)
        # What says `$schema` once more, further in, would be validated by the library's own class, without bounds.
        plain = {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
        # An empty registry: the default one fetches what a reference names.
        registry: Registry[Any] = Registry()
        specification = specification_with(draft.META_SCHEMA.get("$schema", ""))
        document = specification.create_resource(plain)
        lookup = registry.resolver_with_root(document).lookup
        validator = _bounded(draft, _has_named_patterns(plain))(plain, registry=registry)
        return cls(plain, validator, document, registry, lookup)

    def errors(self, value: Any) -> Iterator[ValidationError]:
        return self._validator.iter_errors(value)

    def fits(self, schema: Any, value: Any) -> bool:
        """Whether `value` fits a part of the schema; False where a part has a base URI of its own, and needs it."""
        try:
            return self._validator.evolve(schema=schema).is_valid(value)
        except Unresolvable:
            return False

    def resolved(self, reference: str) -> Any:
        """The part of the schema that a `$ref` means; true, which all fits, where that is nothing."""
        try:
            return self._lookup(reference).contents
        except Unresolvable:
            return True

    def dangling_reference(self) -> str | None:
        """The first `$ref` that means nothing in this schema."""
        places = [(self._document, self._registry.resolver_with_root(self._document))]
        while places:
            resource, resolver = places.pop()
            for reference in _references(resource.contents):
                try:
                    resolver.lookup(reference)
                except (Unresolvable, ValueError):
                    return reference
            places += [(part, resolver.in_subresource(part)) for part in resource.subresources()]
        return None


def _has_named_patterns(schema: Any) -> bool:
    level = [schema]
    while level:
        if any(isinstance(part, dict) and "patternProperties" in part for part in level):
            return True
        level = [inner for part in level for inner in _inside(part)]
    return False


@cache
def _bounded(draft: type[Validator], has_named_patterns: bool) -> type[Validator]:
    own = {**KEYWORDS, "uniqueItems": _unique}
    keywords = {keyword: _counted(check) for keyword, check in {**draft.VALIDATORS, **own}.items()}
    if has_named_patterns:
        # Which members are evaluated, the library finds out by patterns of Python's own. Leaving the keyword out would
        # leave the draft's check in.
        keywords["unevaluatedProperties"] = _unchecked
    types = draft.TYPE_CHECKER.redefine("number", _is_number)
    bounded: type[Validator] = extend(draft, keywords, type_checker=types)  # type: ignore[no-untyped-call]  # its stub
    return bounded


def _unchecked(*_: Any) -> Iterator[ValidationError]:
    return iter(())


def _counted(check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
    def counted(validator: Validator, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        count_step()
        # Not checked: a number beyond all floats.
        with suppress(OverflowError):
            yield from check(validator, wanted, value, without_patterns(value, schema)) or ()

    return counted


def _unique(validator: Validator, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    # The library's own compares each item with each other.
    if wanted and isinstance(value, list) and len({json.dumps(item, sort_keys=True) for item in value}) < len(value):
        yield ValidationError("the same item twice")


def _is_number(checker: Any, value: Any) -> bool:
    # JSON has no way to write the others.
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _parts(value: Any) -> int:
    count, level, depth = 0, [value], 0
    while level:
        count += len(level)
        depth += 1
        if depth > _DEEPEST:
            raise GivenUp
        # A text may turn out to be JSON.
        count += sum(len(part) // 10 for part in level if isinstance(part, str))
        level = [inner for part in level for inner in _inside(part)]
    return count


def _inside(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return part.values()
    return part if isinstance(part, list) else ()


def _references(schema: Any) -> list[str]:
    return [schema[name] for name in ("$ref", "$dynamicRef") if name in schema] if isinstance(schema, dict) else []
