"""Names for the unions and enumerations in the schema."""

from collections.abc import Hashable
from types import UnionType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from agentrouted_protocol import client_requests, errors, events, memory, messages, routing, runs, usage
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.definitions import Schemas, refer

_SHAPE: Final = ("type", "enum", "oneOf", "anyOf", "discriminator")

# Where names such as `StopReason = Literal[…]` and `Part = TextPart | …` are written.
_MODULES: Final = (client_requests, errors, events, memory, messages, routing, runs, usage)


def name_aliases(schemas: Schemas, definitions: Schemas) -> tuple[Schemas, Schemas]:
    """The same, with a definition for each union and enumeration that has a name in Python.

    Pydantic writes them out wherever they stand, and type generators then make up a name each time.
    """
    names = _names()
    named: Schemas = {}

    def rename(schema: Any) -> Any:
        if isinstance(schema, list):
            return [rename(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        renamed = {key: rename(value) for key, value in schema.items()}
        name = names.get(_key_of_schema(renamed))
        if name is None:
            return renamed
        named[name] = {key: renamed.pop(key) for key in _SHAPE if key in renamed}
        return refer(f"#/$defs/{name}", renamed)

    renamed_schemas, renamed_definitions = rename(schemas), rename(definitions)
    return renamed_schemas, renamed_definitions | named


def _names() -> dict[Hashable, str]:
    aliases = ((name, value) for module in _MODULES for name, value in vars(module).items())
    return {key: name for name, value in aliases if (key := _key_of_alias(value))}


def _key_of_alias(alias: Any) -> Hashable:
    """What identifies an enumeration or a union of models; None for anything else."""
    arguments = get_args(alias)
    if get_origin(alias) is Annotated:
        return _key_of_alias(arguments[0])
    if get_origin(alias) is Literal:
        return arguments
    if get_origin(alias) is UnionType and all(
        isinstance(argument, type) and issubclass(argument, WireModel) for argument in arguments
    ):
        return frozenset(model.__name__ for model in arguments)
    return None


def _key_of_schema(schema: dict[str, Any]) -> Hashable:
    if "enum" in schema:
        return tuple(schema["enum"])
    references = [choice.get("$ref", "") for choice in schema.get("oneOf") or schema.get("anyOf") or []]
    return frozenset(reference.removeprefix("#/$defs/") for reference in references) or None
