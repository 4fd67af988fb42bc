"""Tables, types and JSON as Markdown."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from agentrouted_protocol.references import Schema, name_of


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines)


def fields_table(schema: Schema, *, sent_by_us: bool) -> str:
    """The properties of an object: name, type, whether it is there, meaning. Shared ones of all params are left out."""
    present = "always" if sent_by_us else "required"
    rows = []
    for name, field in schema["properties"].items():
        if name not in _SHARED:
            default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
            presence = present if name in schema.get("required", []) else default
            rows.append([f"`{name}`", type_text(field), presence, field.get("description", "")])
    return table(["field", "type", "sent" if sent_by_us else "default", "meaning"], rows) if rows else "No fields."


def shape_anchor(name: str) -> str:
    """Not the name alone: a method may have the same one."""
    return f"shape-{name.lower()}"


_SHARED = {"_meta", "workDoneToken", "partialResultToken"}


def type_text(schema: Schema) -> str:
    """A type in a word or two, with links to shapes."""
    match schema:
        case {"$ref": _}:
            name = name_of(schema)
            return f"[{name}](#{shape_anchor(name)})"
        case {"allOf": [only]}:
            return type_text(only)
        case {"anyOf": choices} | {"oneOf": choices}:
            return " or ".join(type_text(choice) for choice in choices)
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"items": items}:
            return f"list of {type_text(items)}"
        case {"type": name}:
            return " ".join([name, *(f"{sign} {schema[key]:g}" for key, sign in _BOUNDS.items() if key in schema)])
    return "any"


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}


def json_block(comment_and_value: Iterable[tuple[str | None, Any]]) -> str:
    parts = [
        f"// {comment}\n{json_text(value)}" if comment else json_text(value) for comment, value in comment_and_value
    ]
    return "```jsonc\n" + "\n".join(parts) + "\n```"


def json_text(value: Any, indent: str = "") -> str:
    """JSON in as few lines as fit in 120 columns."""
    text = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(text) <= 120 or not value or not isinstance(value, dict | list):
        return text
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {json_text(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + json_text(item, inner) for item in value) + f"\n{indent}]"
