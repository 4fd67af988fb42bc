"""The models of the contract as JSON Schema `$defs`."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from agentrouted_protocol.base import WireModel
from agentrouted_protocol.docstrings import field_docs

Schemas = dict[str, JsonSchemaValue]


def define(types: Mapping[str, tuple[JsonSchemaMode, Any]]) -> tuple[Schemas, Schemas]:
    """The schema of each type under its key, and the `$defs` that these refer to.

    `validation` is for what clients send, `serialization` for what we send. A model that goes both ways has one
    definition if the two are equal; else the one for clients is called `<Name>Input`.
    """
    inputs = [(key, mode, TypeAdapter(type_)) for key, (mode, type_) in types.items()]
    schemas, document = TypeAdapter.json_schemas(inputs, schema_generator=_WireSchema)
    definitions = {_plain(name): _tidy(schema) for name, schema in document["$defs"].items()}
    return {key: _tidy(schema) for (key, _), schema in schemas.items()}, definitions


class _WireSchema(GenerateJsonSchema):
    """What type generators make good types of: no titles, tags required, null only where it says something.

    What we send leaves out fields that are None and no others: one with another default is always there.
    """

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        schema = field["schema"]
        if schema["type"] != "default" or _is_tag(schema):
            return True
        return self.mode == "serialization" and schema["default"] is not None

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner: Any = schema["schema"]
        if schema["default"] is None:
            return self.generate_inner(inner["schema"] if inner["type"] == "nullable" else inner)
        if self.mode == "serialization" or _is_tag(schema):
            return self.generate_inner(inner)
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        return dft.to_wire() if isinstance(dft, WireModel) else super().encode_default(dft)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model = schema["cls"]
        json_schema = super().model_schema(schema)
        del json_schema["title"]
        for name, text in field_docs(model).items():
            json_schema["properties"][model.model_fields[name].alias]["description"] = text
        return json_schema


def _is_tag(schema: Any) -> bool:
    """True for the field that tells the members of a union apart, such as `kind`."""
    return schema["schema"]["type"] == "literal" and len(schema["schema"]["expected"]) == 1


def _tidy(schema: Any) -> Any:
    """`schema` with our names for definitions, and each `$ref` by itself."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return _plain(schema) if isinstance(schema, str) and schema.startswith("#/$defs/") else schema
    rest = {key: _tidy(value) for key, value in schema.items() if key != "$ref"}
    return refer(_plain(schema["$ref"]), rest) if "$ref" in schema else rest


def refer(reference: str, rest: JsonSchemaValue) -> JsonSchemaValue:
    """A reference, with other keywords outside of it.

    JSON Schema allows them beside a `$ref` since 2019, but type generators then make a new type each time.
    """
    return {"allOf": [{"$ref": reference}], **rest} if rest else {"$ref": reference}


def _plain(name: str) -> str:
    """Pydantic's `Message-Input` and `Message-Output` are our `MessageInput` and `Message`."""
    return name.removesuffix("-Output").replace("-Input", "Input")
