"""From a JSON Schema to a function that checks values."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json, to_json

from agentrouted.core.errors import InvalidParams
from agentrouted.core.schema.fit import DoesNotFit, Fit
from agentrouted.core.schema.grammar import faults

_MOST_PROBLEMS: Final = 10
_LARGEST_KEPT: Final = 16_384
_GIVEN_UP: Final = "(root): is too large or nested too deep to be checked"


def compile_fit(schema: Mapping[str, Any]) -> Fit:
    """The check that `schema` describes: safe coercion, then validation.

    `$schema` names the draft; without it, it is 2020-12. Nothing is fetched. Raises `InvalidParams` where `schema`
    itself is wrong. What it returns gives up, with `DoesNotFit`, on what would take too long.
    """
    try:
        encoded = to_json(schema)
        if len(encoded) <= _LARGEST_KEPT:
            return _kept(encoded)
    except ValueError:
        pass  # Nested too deep to be written: it is said below what is wrong.
    return _compile(schema)


@lru_cache(maxsize=256)
def _kept(encoded: bytes) -> Fit:
    """Run after run brings the same tools, and compiling three of them took as long as all else in it."""
    return _compile(from_json(encoded))


def _compile(schema: Mapping[str, Any]) -> Fit:
    # Lazy: jsonschema takes a tenth of a second to import, and many runs have neither tools nor output.
    from agentrouted.core.schema.bounded import GivenUp, Rules, within_bounds
    from agentrouted.core.schema.coerce import coerced
    from agentrouted.core.schema.problems import lines

    _refuse(schema, next(faults(schema), None))
    rules = Rules.of(schema)
    if (reference := rules.dangling_reference()) is not None:
        _refuse(schema, f"the `$ref` to {reference[:200]!r} leads nowhere in it, and nothing is fetched")

    def fit(value: Any) -> Any:
        try:
            with within_bounds(value):
                result = coerced(rules, rules.schema, value)
                problems = lines(rules.errors(result), most=_MOST_PROBLEMS)
        except (GivenUp, RecursionError):
            raise DoesNotFit([_GIVEN_UP]) from None
        except BaseException as panic:
            # jsonschema's maps are written in Rust: there, too deep a recursion is a panic.
            if type(panic).__name__ != "PanicException":
                raise
            raise DoesNotFit([_GIVEN_UP]) from None
        if problems:
            raise DoesNotFit(problems)
        return result

    return fit


def _refuse(schema: Mapping[str, Any], fault: str | None) -> None:
    if fault:
        title = schema.get("title")
        name = f"the schema `{title[:100]}`" if isinstance(title, str) else "a schema"
        raise InvalidParams(f"{name} is not valid JSON Schema: {fault}", hint="see https://json-schema.org")
