"""No generated file is stale."""

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GENERATED: dict[str, Callable[[], str]] = runpy.run_path(str(ROOT / "scripts/generate.py"))["GENERATED"]


@pytest.mark.parametrize("path", GENERATED)
def test_a_generated_file_is_as_its_generator_writes_it(path: str) -> None:
    assert (ROOT / path).read_text() == GENERATED[path](), f"{path} is stale: run scripts/schema"
