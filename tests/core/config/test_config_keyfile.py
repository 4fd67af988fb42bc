"""The plain file of keys."""

from pathlib import Path

import pytest

from agentrouted.core.config.content import read_content
from agentrouted.core.config.keyfile import load_keyfile, parse_keyfile


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("api_key=sk-1", "api_key", "sk-1"),
        ("  openrouter_api_key =  sk-1  ", "openrouter_api_key", "sk-1"),
        ("export GROQ_API_KEY='sk-1'", "groq_api_key", "sk-1"),
        ('my-box_base_url="http://box:8000/v1"  # the box', "my-box_base_url", "http://box:8000/v1"),
        ("openrouter.ai=sk-1 # mine", "openrouter.ai", "sk-1"),
        ("localhost:8000=sk#1", "localhost:8000", "sk#1"),
        ("[::1]:8000=sk=1", "[::1]:8000", "sk=1"),
    ],
)
def test_a_line_is_understood_however_it_is_written(line: str, name: str, value: str) -> None:
    keyfile = parse_keyfile(f"\ufeff# keys\r\n\r\n{line}\r\n", Path("keys"))
    assert (keyfile.values, keyfile.problems) == ({name: value}, ())
    assert keyfile.origins == {f"keyfile.{name}": "keys:3"}


@pytest.mark.parametrize("line", ["api_key=", "api_key=''", "api_key=   # none yet"])
def test_an_empty_entry_is_none(line: str) -> None:
    keyfile = parse_keyfile(line, None)
    assert (keyfile.values, keyfile.problems) == ({}, ())


@pytest.mark.parametrize("line", ["sk-secret", "api_key: sk-secret", "=sk-secret", "colour=sk-secret", "a/b=sk-secret"])
def test_a_bad_line_is_a_warning_that_does_not_show_it(line: str) -> None:
    keyfile = parse_keyfile(f"\n{line}", Path("keys"))
    (problem,) = keyfile.problems
    assert problem.range
    assert (problem.severity, problem.file, problem.range.start.line) == ("warning", "keys", 1)
    assert "secret" not in problem.model_dump_json()
    assert keyfile.values == {}


def test_of_two_lines_with_one_name_the_last_counts() -> None:
    keyfile = parse_keyfile("api_key=a\nAPI_KEY=b", None)
    assert keyfile.values == {"api_key": "b"}
    assert len(keyfile.problems) == 1


def test_a_file_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    keyfile = load_keyfile(read_content(tmp_path), tmp_path)
    assert [problem.severity for problem in keyfile.problems] == ["warning"]
