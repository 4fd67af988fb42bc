"""The JSON Schema of the file, for editors."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from agentrouted.core.config.model import Config
from agentrouted_protocol.docstrings import field_docs

_COMMENT = "Generated from agentrouted.core.config.model; do not edit."
_VARIABLE = {"type": "string", "pattern": r"\$\{"}


def render_schema() -> str:
    """JSON text, in the draft that yaml-language-server reads."""
    schema = _for_editors(Config.model_json_schema(by_alias=False, schema_generator=_Described))
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "$comment": _COMMENT, "title": "agentrouted"}
    return json.dumps({**head, **schema, "type": "object"}, indent=2, ensure_ascii=False) + "\n"


class _Described(GenerateJsonSchema):
    """With the strings under the fields, which are not read where nobody asks for a schema."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json_schema = super().model_schema(schema)
        for name, text in field_docs(schema["cls"]).items():
            json_schema["properties"][name]["description"] = text
        return json_schema


def _for_editors(schema: Any) -> Any:
    """The same schema, with what holds of the file but not of the models: `${VAR}` for numbers, empty for mappings."""
    if isinstance(schema, list):
        return [_for_editors(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: each for name, each in schema.items() if not _is_noise(name, each)}
    if schema.get("type") in {"integer", "number", "boolean"} or "enum" in schema:
        return _or_variable(kept)
    inner = {name: _for_editors(each) for name, each in kept.items()}
    return {**inner, "type": ["object", "null"]} if schema.get("type") == "object" else inner


def _is_noise(name: str, value: Any) -> bool:
    # Titles repeat the key; a default that is empty, or a section of defaults, says nothing new.
    return (name == "title" and isinstance(value, str)) or (
        name == "default" and not isinstance(value, str | int | float)
    )


def _or_variable(schema: dict[str, Any]) -> dict[str, Any]:
    inside = dict(schema)
    outside: dict[str, Any] = {name: inside.pop(name) for name in ("description", "default") if name in schema}
    return {**outside, "anyOf": [inside, _VARIABLE]}
