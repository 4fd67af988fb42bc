"""A model's JSON Schema without pydantic's own words."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

_OF_SCHEMAS: Final = {"properties", "$defs"}
_OF_DATA: Final = {"default", "const", "enum", "examples"}


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of an object with the model's fields: `type`, `properties`, `required`, and `$defs` if needed."""
    schema = _without_titles(model.model_json_schema(schema_generator=_Quiet))
    schema.pop("additionalProperties", None)
    return {"type": "object", "properties": {}, "required": [], **schema}


class _Quiet(GenerateJsonSchema):
    # A default that JSON does not know is left out of the schema without a word.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _child(key, value) for key, value in schema.items() if key != "title"}


def _child(key: str, value: Any) -> Any:
    if key in _OF_SCHEMAS:
        return {name: _without_titles(schema) for name, schema in value.items()}
    return value if key in _OF_DATA else _without_titles(value)
