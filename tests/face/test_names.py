"""`from agentrouted import …` has every name, lazily."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import agentrouted


def run(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {script}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("name", agentrouted.__all__)
def test_each_name_can_be_had(name: str) -> None:
    assert getattr(agentrouted, name) is not None
    assert name in dir(agentrouted)


def test_type_checkers_and_programs_see_the_same_names() -> None:
    source = Path(str(agentrouted.__file__)).read_text()
    block = next(node for node in ast.parse(source).body if isinstance(node, ast.If))
    names = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names == set(agentrouted.__all__) == set(agentrouted._MODULES)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nope'"):
        _ = agentrouted.Nope  # type: ignore[attr-defined]  # that is the point


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import agentrouted", ["pydantic", "asyncio", "typing"]),
        ("import agentrouted.testing", ["pydantic", "asyncio"]),
        ("from agentrouted import Memory, Message, Usage", ["pydantic", "sqlite3"]),
        ("from agentrouted import Agent", ["httpx", "aiohttp", "docstring_parser", "jsonschema", "yaml", "xllamacpp"]),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str, absent: list[str]) -> None:
    assert run(f"before = set(sys.modules); {statement}; print(*({set(absent)} & (sys.modules.keys() - before)))") == ""


def test_the_example_of_the_package_runs() -> None:
    script = "from agentrouted import Agent; from agentrouted.testing import ScriptedModel"
    assert run(f"{script}; print(Agent('a', model=ScriptedModel(['Hello'])).run('Hi'))") == "Hello"
