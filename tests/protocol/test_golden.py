"""Golden files come back as they were, and fit the schema."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from protocol.golden_files import FILES, FOLDER, Golden, golden_values
from pydantic import TypeAdapter

from agentrouted_protocol.events import RunEvent
from agentrouted_protocol.methods import METHODS
from agentrouted_protocol.schema import build_schema

VALUES = list(golden_values())
SCHEMA = build_schema()


@pytest.mark.parametrize("golden", VALUES, ids=str)
def test_a_golden_value_comes_back_as_it_was(golden: Golden) -> None:
    value = TypeAdapter(golden.type).validate_python(golden.value, strict=True, by_alias=True, by_name=False)
    unset = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert json.dumps(value.to_wire() if golden.sent_by_us else unset) == json.dumps(golden.value)


@pytest.mark.parametrize("golden", VALUES, ids=str)
def test_a_golden_value_fits_the_published_schema(golden: Golden) -> None:
    error = {"$ref": "#/$defs/ErrorObject"}
    schema = error if golden.member == "error" else SCHEMA["methods"][golden.method][golden.member]
    validate(schema, golden.value)


def test_the_golden_initialize_fits_the_published_schema() -> None:
    request, answer = json.loads((FOLDER / "initialize.json").read_text())
    validate(SCHEMA["lsp"]["initialize"]["params"], request["params"])
    validate(SCHEMA["lsp"]["initialize"]["result"], answer["result"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_golden_file_is_laid_out_as_all_are(file: Path) -> None:
    text = file.read_text()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_every_method_has_a_golden_file() -> None:
    assert {name.replace("/", ".") for name in METHODS} - {file.stem for file in FILES} == {"run.event"}


def test_every_kind_of_event_has_a_golden_file() -> None:
    kinds = {event.model_fields["kind"].default for event in get_args(get_args(RunEvent)[0])}
    assert {golden.value["kind"] for golden in VALUES if golden.method == "run/event"} == kinds


def validate(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({"$defs": SCHEMA["$defs"], **schema}).validate(value)
