"""Keywords with patterns, in time that grows with the text."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jsonschema.exceptions import ValidationError
from pydantic_core import SchemaError, SchemaValidator, core_schema

# For a pattern as long as may be, most of a second.
_LONGEST: Final = 100_000


def is_found(pattern: str, text: str) -> bool | None:
    """Whether `text` has it somewhere; None where that cannot be told in time."""
    search = _search(pattern)
    return None if search is None or len(text) > _LONGEST else search.isinstance_python(text)


@lru_cache(maxsize=256)
def _search(pattern: str) -> SchemaValidator | None:
    # Rust's, which never goes back: for `(a+)+$`, Python's own doubles its time with each letter, and nothing can stop
    # it. What cannot be matched without going back, such as `(?=…)`, Rust does not know.
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and is_found(wanted, value) is False:
        yield ValidationError("does not match")


def _pattern_properties(validator: Any, parts: Mapping[str, Any], value: Any, _: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, part in parts.items():
            for name in value:
                if is_found(pattern, name):
                    yield from validator.descend(value[name], part, path=name, schema_path=pattern)


def without_patterns(value: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same for `value`, its members that fit a pattern, or may fit it, by their names."""
    patterns = schema.get("patternProperties")
    if not patterns or not isinstance(value, dict):
        return schema
    fitting = {name: True for name in value if any(is_found(pattern, name) is not False for pattern in patterns)}
    plain = {keyword: part for keyword, part in schema.items() if keyword != "patternProperties"}
    return {**plain, "properties": {**fitting, **schema.get("properties", {})}}


KEYWORDS: Final = {"pattern": _pattern, "patternProperties": _pattern_properties}
