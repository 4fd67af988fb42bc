"""What is generated from the models."""

import json
from pathlib import Path

import pytest

from agentrouted.core.config.load import load_text
from agentrouted.core.config.own_file import FILE_NAME
from agentrouted.core.config.own_file_reading import read_own_file
from agentrouted.core.config.reference import EXAMPLE, KEYS_EXAMPLE, OWN_EXAMPLE, render_markdown
from agentrouted.core.config.schema import render_schema

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "configuration.md").read_text() == render_markdown(), "run scripts/schema"


def test_the_schema_is_up_to_date() -> None:
    assert (DOCS / "config.schema.json").read_text() == render_schema(), "run scripts/schema"


@pytest.mark.parametrize("example", [EXAMPLE, KEYS_EXAMPLE])
def test_the_examples_of_the_page_are_good(example: str) -> None:
    assert load_text(example, None, {"GROQ_API_KEY": "k", "WORK_KEY": "k"}).problems == ()


def test_the_example_of_a_folder_s_own_file_is_good(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(OWN_EXAMPLE)
    own = read_own_file(str(tmp_path))
    assert own and own.agents and own.instructions and own.limits and own.problems == ()


def test_every_section_of_the_schema_refuses_unknown_keys() -> None:
    schema = json.loads(render_schema())
    for section in (schema, *schema["$defs"].values()):
        assert section["additionalProperties"] is False


def test_a_number_may_be_a_variable() -> None:
    schema = json.loads(render_schema())
    number, variable = schema["$defs"]["Daemon"]["properties"]["idle_timeout"]["anyOf"]
    assert (number["type"], number["minimum"], variable["type"]) == ("number", 0, "string")
