"""The structured answer that a run wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from agentrouted.core.endpoint import OutputMode
from agentrouted.core.schema.check import compile_fit
from agentrouted.core.schema.fit import Fit

Mode = OutputMode

OUTPUT_TOOL: Final = "_return_structured_output"
RESULT: Final = "result"
"""The one member of an object around an answer that is not an object itself."""


@dataclass(frozen=True)
class Wanted:
    """An answer that fits `schema`. `name` is what it is called to the model."""

    schema: Mapping[str, Any]
    name: str
    mode: Literal["auto", "native", "tool", "prompted", "text"] = "auto"

    @cached_property
    def fit(self) -> Fit:
        """Raises `InvalidParams` where the schema itself is wrong."""
        return compile_fit(self.schema)

    @cached_property
    def is_object(self) -> bool:
        root = _root(self.schema)
        return bool(root["type"] == "object" if "type" in root else "properties" in root)

    @cached_property
    def object_schema(self) -> Mapping[str, Any]:
        """The schema as native output and functions need it: an object's."""
        return {"type": "object", **_root(self.schema)} if self.is_object else _wrapped(self.schema)


def _root(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema that is only a reference to one of its own, as of a model that holds itself, written out."""
    kind, _, name = str(schema.get("$ref")).removeprefix("#/").partition("/")
    definitions = schema.get(kind)
    target = definitions.get(name) if isinstance(definitions, Mapping) else None
    if not isinstance(target, Mapping):
        return schema
    return {**target, **{keyword: value for keyword, value in schema.items() if keyword != "$ref"}}


def _wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    shared = {keyword: schema[keyword] for keyword in ("$schema", "$defs", "definitions") if keyword in schema}
    inner = {keyword: value for keyword, value in schema.items() if keyword not in shared}
    return {
        "type": "object",
        "properties": {RESULT: inner},
        "required": [RESULT],
        "additionalProperties": False,
        **shared,
    }
