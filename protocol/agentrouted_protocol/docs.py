"""The page about the protocol, for people."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from agentrouted_protocol.error_guide import ERROR_GUIDE
from agentrouted_protocol.errors import ErrorKind
from agentrouted_protocol.markdown import fields_table, json_block, shape_anchor, table, type_text
from agentrouted_protocol.references import Schema, definition_of, name_of, names_from_clients, names_in

Examples = Mapping[str, Sequence[dict[str, Any]]]


def render_markdown(template: str, schema: Schema, examples: Examples) -> str:
    """The text of `docs/protocol.md`.

    `schema` is what `build_schema` gives. `examples` are messages, in order, under names such as `run.get` or
    `run.event.textDelta`.
    """
    definitions, methods = schema["$defs"], schema["methods"]
    sections = {
        "version": str(schema["protocolVersion"]),
        "limits": table(["limit", "value"], ([f"`{name}`", f"{value:,}"] for name, value in schema["limits"].items())),
        "lsp": _index(schema["lsp"]),
        "client_options": fields_table(definitions["ClientOptions"], sent_by_us=False),
        "advertised": fields_table(definitions["Advertised"], sent_by_us=True),
        "initialize_example": _conversation(examples["initialize"], "clientToDaemon"),
        "index": _index(methods, linked=True),
        "requests": _methods(schema, examples, "clientToDaemon", "request"),
        "asked": _methods(schema, examples, "daemonToClient", "request"),
        "notifications": _methods(schema, examples, "daemonToClient", "notification"),
        "error_object": type_text({"$ref": "#/$defs/ErrorObject"}),
        "errors": table(["kind", "code", "meaning", "what to do"], _error_rows(schema["errors"])),
        "error_examples": _error_examples(examples),
        "shapes": _shapes(schema),
    }
    return re.sub(r"{{(\w+)}}", lambda match: sections[match[1]], template)


def _index(rows: Mapping[str, Schema], *, linked: bool = False) -> str:
    names = {name: f"[`{name}`](#{_anchor(name)})" if linked else f"`{name}`" for name in rows}
    lines = ([_ARROWS[row["direction"]], names[name], row["kind"], row["summary"]] for name, row in rows.items())
    return table(["", "method", "kind", "what it is for"], lines)


_ARROWS = {"clientToDaemon": "→", "daemonToClient": "←", "both": "↔"}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w-]", "", heading.lower())


def _methods(schema: Schema, examples: Examples, direction: str, kind: str) -> str:
    rows = schema["methods"].items()
    chosen = ((name, row) for name, row in rows if (row["direction"], row["kind"]) == (direction, kind))
    return "\n\n".join(part for name, row in chosen for part in _method(name, row, schema, examples) if part)


def _method(name: str, row: Schema, schema: Schema, examples: Examples) -> Iterator[str]:
    ours = row["direction"] == "daemonToClient"
    example = name.replace("/", ".")
    params = definition_of(row["params"], schema)
    yield f"### {name}"
    yield row["summary"]
    if "oneOf" in params:
        yield from _events(params, schema, examples, example)
        return
    yield params.get("description", "")
    yield "Params:"
    yield fields_table(params, sent_by_us=ours)
    if "result" in row:
        yield from _result(row["result"], schema, sent_by_us=not ours)
    yield _conversation(examples[example], row["direction"])


def _result(reference: Schema, schema: Schema, *, sent_by_us: bool) -> Iterator[str]:
    result = definition_of(reference, schema)
    if not _is_inline(reference, schema):
        yield f"Result: {type_text(reference if 'properties' in result else result)}."
        return
    yield f"Result: {result.get('description', '')}".strip()
    yield fields_table(result, sent_by_us=sent_by_us)


def _events(union: Schema, schema: Schema, examples: Examples, example: str) -> Iterator[str]:
    """What all members of the union have, then each by itself."""
    members = [definition_of(choice, schema) for choice in union["oneOf"]]
    common = set.intersection(*(set(member["properties"]) for member in members))
    yield "All kinds have:"
    yield fields_table(_only(members[0], common - {"kind"}), sent_by_us=True)
    for member in members:
        kind = member["properties"]["kind"]["const"]
        yield f"#### {kind}"
        yield member["description"]
        yield fields_table(_only(member, member["properties"].keys() - common), sent_by_us=True)
        yield json_block((None, message) for message in examples[f"{example}.{kind}"])


def _only(schema: Schema, names: Set[str]) -> Schema:
    return {**schema, "properties": {name: field for name, field in schema["properties"].items() if name in names}}


def _conversation(messages: Sequence[dict[str, Any]], direction: str) -> str:
    names = ["→ you", "← the daemon"] if direction == "clientToDaemon" else ["← the daemon", "→ you"]
    return json_block(zip(names, messages, strict=False))


def _error_rows(codes: Mapping[ErrorKind, int]) -> Iterator[list[str]]:
    for kind, code in codes.items():
        meaning, remedy = ERROR_GUIDE[kind]
        yield [f"`{kind}`", str(code), meaning, remedy]


def _error_examples(examples: Examples) -> str:
    errors = (messages[1]["error"] for name, messages in examples.items() if name.startswith("error."))
    return json_block((None, error) for error in errors)


def _shapes(schema: Schema) -> str:
    """Every definition that is not shown beside its method."""
    shown = {"ClientOptions", "Advertised"}
    for row in schema["methods"].values():
        shown |= {name_of(row["params"])} | {
            name_of(choice) for choice in definition_of(row["params"], schema).get("oneOf", [])
        }
        if "result" in row and _is_inline(row["result"], schema):
            shown.add(name_of(row["result"]))
    from_clients = names_from_clients(schema)
    definitions = ((name, definition) for name, definition in schema["$defs"].items() if name not in shown)
    return "\n\n".join(
        _shape(name, definition, sent_by_us=name not in from_clients) for name, definition in definitions
    )


def _shape(name: str, definition: Schema, *, sent_by_us: bool) -> str:
    is_object = "properties" in definition
    body = fields_table(definition, sent_by_us=sent_by_us) if is_object else f"One of {type_text(definition)}."
    heading = f'### <a id="{shape_anchor(name)}"></a>{name}'
    return "\n\n".join(part for part in (heading, definition.get("description", ""), body) if part)


def _is_inline(reference: Schema, schema: Schema) -> bool:
    """True for an object that is the result of one method and stands nowhere else."""
    return list(names_in(schema)).count(name_of(reference)) == 1 and "properties" in definition_of(reference, schema)
