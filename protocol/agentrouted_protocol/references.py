"""Which definition of the schema refers to which."""

from collections.abc import Iterable, Iterator
from typing import Any

Schema = dict[str, Any]


def name_of(reference: Schema) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def definition_of(reference: Schema, schema: Schema) -> Schema:
    definition: Schema = schema["$defs"][name_of(reference)]
    return definition


def names_in(schema: Any) -> Iterator[str]:
    """The name in each reference, as often as it stands there."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield name_of(schema)
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from names_in(item)


def names_from_clients(schema: Schema) -> set[str]:
    """The definitions of all that clients send."""
    rows = schema["methods"].values()
    params = (row["params"] for row in rows if row["direction"] == "clientToDaemon")
    results = (row["result"] for row in rows if row["direction"] == "daemonToClient" and "result" in row)
    return _reachable([name_of(reference) for reference in (*params, *results)], schema["$defs"])


def _reachable(names: Iterable[str], definitions: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += names_in(definitions[name])
    return found
