"""`from agentrouted_protocol import …` has every name, lazily."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import agentrouted_protocol


def public_names(module: str) -> Iterator[str]:
    """What is written at the top level of a module, without what it imports."""
    spec = find_spec(f"agentrouted_protocol.{module}")
    assert spec is not None and spec.origin is not None
    for node in ast.parse(Path(spec.origin).read_text()).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def test_the_face_has_every_public_name_once() -> None:
    names = [name for module in agentrouted_protocol._MODULES for name in public_names(module) if name[0] != "_"]
    assert sorted(agentrouted_protocol.__all__) == sorted(names)


@pytest.mark.parametrize("name", agentrouted_protocol.__all__)
def test_each_name_of_the_face_can_be_had(name: str) -> None:
    assert getattr(agentrouted_protocol, name) is not None


@pytest.mark.parametrize("name", ["Nope", "Annotated", "_ROWS"])
def test_a_name_that_is_not_there_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(agentrouted_protocol, name)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import agentrouted_protocol", ["typing", "pydantic"]),
        ("from agentrouted_protocol import PROTOCOL_VERSION", ["pydantic"]),
        ("from agentrouted_protocol import Route", ["agentrouted_protocol.memory"]),
    ],
)
def test_nothing_is_imported_that_was_not_asked_for(statement: str, absent: list[str]) -> None:
    script = f"import sys; sys.path[:0] = {sys.path!r}; {statement}; print(*[m for m in {absent} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-IS", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
