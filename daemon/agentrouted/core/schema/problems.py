"""Why a value does not fit, in lines that never hold it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from jsonschema.exceptions import ValidationError
from pydantic_core import to_json

_LONGEST_NAME: Final = 50
_LONGEST_WANTED: Final = 300

# By keyword; {} is what the schema says there, and {s} makes a plural where that is not 1.
_SAYS: Final[Mapping[str, str]] = {
    "const": "is not {}",
    "contains": "has too few or too many items that fit `contains`",
    "dependentRequired": "lacks what its members need beside them: {}",
    "enum": "is not one of {}",
    "exclusiveMaximum": "is not less than {}",
    "exclusiveMinimum": "is not greater than {}",
    "maxItems": "has more than {} item{s}",
    "maxLength": "is longer than {} character{s}",
    "maxProperties": "has more than {} member{s}",
    "maximum": "is greater than {}",
    "minItems": "has fewer than {} item{s}",
    "minLength": "is shorter than {} character{s}",
    "minProperties": "has fewer than {} member{s}",
    "minimum": "is less than {}",
    "multipleOf": "is not a multiple of {}",
    "not": "is what it must not be",
    "pattern": "does not match the pattern {}",
    "unevaluatedItems": "has items that it may not have",
    "unevaluatedProperties": "has members that it may not have",
    "uniqueItems": "has the same item twice",
}


def lines(errors: Iterable[ValidationError], most: int) -> list[str]:
    """Such as `items[2].price: is not of type 'number'`; at most this many, and one that says there are more."""
    found = list(islice((line for error in errors for line in _lines(error)), most + 1))
    return found if len(found) <= most else [*found[:most], "and more"]


def _lines(error: ValidationError) -> Iterator[str]:
    if error.validator in {"anyOf", "oneOf"} and (nearest := _nearest(error)):
        for each in nearest:
            yield from _lines(each)
    else:
        yield f"{_place(error.absolute_path)}: {_reason(error)}"


def _nearest(error: ValidationError) -> Sequence[ValidationError]:
    """The errors of the one alternative that the value seems to be meant for; none if it may be several."""
    alternatives: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        alternatives.setdefault(each.relative_schema_path[0], []).append(each)
    for is_other in (_is_other_type, _is_other_kind):
        left = {number: found for number, found in alternatives.items() if not any(map(is_other, found))}
        alternatives = left or alternatives
        if len(alternatives) == 1:
            return next(iter(alternatives.values()))
    return ()


def _is_other_type(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _is_other_kind(error: ValidationError) -> bool:
    """A member that tells the alternatives apart, such as `kind`, says another."""
    return error.validator in {"const", "enum"} and len(error.relative_path) == 1


def _place(path: Iterable[str | int]) -> str:
    place = ""
    for step in path:
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            place += f".{step[:_LONGEST_NAME]}" if place else step[:_LONGEST_NAME]
    return place or "(root)"


def _reason(error: ValidationError) -> str:
    keyword: Any = error.validator
    wanted: Any = error.validator_value
    match keyword:
        case "type":
            return f"is not of type {_types(wanted)}"
        case "required":
            # Only the message says which: 'city' is a required property.
            return error.message.replace("is a required property", "is missing")
        case "additionalProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
            return f"has members other than {_json(list(known))}"
        case "anyOf" | "oneOf":
            return _of_none(error)
        case None:
            # The library does not say where: the place is that of what holds it.
            return "holds what may not be there"
    said = _SAYS.get(keyword, f"does not fit `{keyword}`: {{}}")
    return said.format(_json(wanted), s="" if wanted == 1 else "s")


def _of_none(error: ValidationError) -> str:
    alternatives: Any = error.validator_value
    if not error.context:
        return "fits more than one alternative, and must fit exactly one"
    types: list[Any] = [each.validator_value for each in error.context if _is_other_type(each)]
    if len(types) == len(alternatives):
        return f"is not of type {' or '.join(map(_types, types))}"
    return f"fits none of the {len(alternatives)} alternatives"


def _types(wanted: str | Sequence[str]) -> str:
    return " or ".join(f"'{each}'" for each in ([wanted] if isinstance(wanted, str) else wanted))


def _json(wanted: Any) -> str:
    text = to_json(wanted, fallback=str).decode()
    return text if len(text) <= _LONGEST_WANTED else f"{text[:_LONGEST_WANTED]}…"
