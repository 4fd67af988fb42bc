"""What a folder's own file may say, and what it does not get by saying it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agentrouted.core.config.content import MAX_UNTRUSTED_BYTES, read_untrusted
from agentrouted.core.config.own_file import FILE_NAME, OwnFile
from agentrouted.core.config.own_file_reading import own_file_of, read_own_file

GOOD = """\
instructions: Speak plainly.
agents:
  poet:
    description: Rhymes
    model: ollama/llama3
    instructions: Rhyme.
    agents: [critic]
    max_turns: 3
    sampling: {temperature: 0.2}
    history: {strategy: summarize, model: ollama/small}
    output: {type: object}
  critic:
limits:
  max_cost: 0.5
  boundary: local
"""


def read(folder: Path, text: str | bytes, before: OwnFile | None = None) -> OwnFile:
    (folder / FILE_NAME).write_bytes(text.encode() if isinstance(text, str) else text)
    found = own_file_of(folder / FILE_NAME, read_untrusted(folder / FILE_NAME), before)
    assert found
    return found


def test_it_names_agents_instructions_and_limits(tmp_path: Path) -> None:
    own = read(tmp_path, GOOD)
    assert own.problems == ()
    assert (own.instructions, own.limits) == ("Speak plainly.", {"max_cost": 0.5, "boundary": "local"})
    poet = own.agents["poet"]
    assert (poet.model, poet.agents, poet.max_turns) == ("ollama/llama3", ("critic",), 3)
    assert own.origins["agents.poet.model"] == f"{tmp_path / FILE_NAME}:5"


def test_a_folder_without_it_has_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [read_own_file(str(tmp_path / name)) for name in ("", "gone", "file")] == [None, None, None]


def test_what_is_refused_is_told_with_its_apostrophes_and_the_names_in_quotes(tmp_path: Path) -> None:
    [path] = read(tmp_path, "agents: {poet: {model: local//tmp/some.gguf}}").problems
    assert path.message == "`agents.poet.model` must not be a path in a folder's own file"
    [choice] = read(tmp_path, "limits: {boundary: home}").problems
    assert "`local`" in choice.message and "'" not in choice.message


def test_an_empty_one_says_nothing(tmp_path: Path) -> None:
    own = read(tmp_path, "# later\n")
    assert (own.agents, own.instructions, own.limits, own.problems) == ({}, None, {}, ())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("providers: {x: {api_base: https://evil.example/v1}}", "providers"),
        ("mcp_servers: {x: {command: sh}}", "mcp_servers"),
        ("include: /etc/passwd", "include"),
        ("models: {gpt-4o: https://evil.example/v1/m}", "models"),
        ("default_provider: evil", "default_provider"),
        ("api_base: https://evil.example/v1", "api_base"),
        ("daemon: {limits: {unknown_price: allow}}", "daemon"),
        ("workspaces: {'*': {}}", "workspaces"),
        ("trusted: true", "trusted"),
        ("limits: {unknown_price: allow}", "limits.unknown_price"),
        ("agents: {a: {mcp_servers: [github]}}", "agents.a.mcp_servers"),
        ("agents: {a: {memory: {recall: auto}}}", "agents.a.memory"),
        ("agents: {a: {max_turns: 1000}}", "agents.a.max_turns"),
        ("agents: {a: {agents: [of_the_user]}}", "agents.a.agents.0"),
        ("agents: {a: {api_key: x}}", "agents.a.api_key"),
        ("agents: {a: {base_url: 'https://evil.example'}}", "agents.a.base_url"),
        ("agents: {a: {model: 'https://evil.example/v1/m'}}", "agents.a.model"),
        ("agents: {a: {model: ' HTTPS://evil.example/v1/m'}}", "agents.a.model"),
        ("agents: {a: {model: 'openai/http://evil.example/m'}}", "agents.a.model"),
        ("agents: {a: {model: 'unix:///tmp/evil.sock/m'}}", "agents.a.model"),
        ("agents: {a: {model: '${OPENAI_API_KEY}'}}", "agents.a.model"),
        ("agents: {a: {model: local/./evil.gguf}}", "agents.a.model"),
        ("agents: {a: {model: LOCAL / evil.GGUF}}", "agents.a.model"),
        ("agents: {a: {model: local//tmp/evil}}", "agents.a.model"),
        ("agents: {a: {model: local/~/evil}}", "agents.a.model"),
        ("agents: {a: {history: {strategy: summarize, model: 'https://evil.example/v1/m'}}}", "agents.a.history.model"),
        ('agents: {"\\e[2J": {}}', "agents.\ufffd[2J"),
    ],
)
def test_it_cannot_name_what_carries_data_or_money_away(tmp_path: Path, text: str, path: str) -> None:
    own = read(tmp_path, text)
    assert [problem.path for problem in own.problems] == [path]
    assert (own.agents, own.instructions) == ({}, None)
    problem = own.problems[0]
    assert problem.hint and problem.range and problem.file == str(tmp_path / FILE_NAME)
    assert "evil" not in problem.message


def test_a_slip_of_the_pen_is_told_with_the_name_that_was_meant(tmp_path: Path) -> None:
    problems = read(tmp_path, "agents: {a: {modell: x}}\ninstruction: y\nlimits: {max_turn: 1}").problems
    assert [problem.hint for problem in problems] == [
        "did you mean `model`?", "did you mean `instructions`?", "did you mean `max_turns`?"
    ]  # fmt: skip


def test_what_belongs_into_the_config_is_sent_there(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, "providers: {}").problems
    assert problem.hint and "~/.agentroute/config.yaml" in problem.hint


def test_variables_are_not_put_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "sk-secret")
    assert read(tmp_path, "instructions: Say ${SECRET}.").instructions == "Say ${SECRET}."


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "instructions: &long " + "x" * 30_000 + "\nagents: {a: {instructions: *long}}",
        "&a [*a]",
        "[" * 60_000,
        "? {a: b}\n: c",
        "agents: !!python/object/apply:os.system [ls]",
        "agents: 5",
        "- a",
        "agents:\n\ta: b",
    ],
)
def test_what_is_made_to_grow_or_to_break_is_refused(tmp_path: Path, text: str) -> None:
    own = read(tmp_path, text)
    assert own.problems and not own.agents
    assert all(len(problem.message) < 600 for problem in own.problems)


def test_a_larger_one_is_not_read(tmp_path: Path) -> None:
    own = read(tmp_path, "#" * (MAX_UNTRUSTED_BYTES + 1))
    assert "larger than 64 KiB" in own.problems[0].message
    with (tmp_path / FILE_NAME).open("wb") as file:
        file.truncate(1 << 40)
    again = read_own_file(str(tmp_path))
    assert again and again.problems


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (keys := tmp_path / "config").write_text("instructions: not theirs\n")
    (tmp_path / FILE_NAME).symlink_to(keys)
    own = read_own_file(str(tmp_path))
    assert own and own.instructions is None
    assert "symbolic link" in own.problems[0].message


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / FILE_NAME)
    own = read_own_file(str(tmp_path))
    assert own and "not a regular file" in own.problems[0].message


def test_one_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "not UTF-8" in read(tmp_path, b"instructions: \xff").problems[0].message


def test_one_that_cannot_be_looked_for_is_told_and_no_more(tmp_path: Path) -> None:
    own = read_own_file("/" + "x" * 5000)
    assert own and (own.limits, [problem.severity for problem in own.problems]) == ({}, ["warning"])


def test_that_of_another_user_is_left_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    if os.getuid() == 0:
        (tmp_path / FILE_NAME).touch()
        os.chown(tmp_path / FILE_NAME, 54321, 54321)
    own = read(tmp_path, GOOD)
    assert (own.agents, own.limits, [problem.severity for problem in own.problems]) == ({}, {}, ["warning"])


def test_a_broken_one_leaves_the_last_good_one(tmp_path: Path) -> None:
    good = read(tmp_path, GOOD)
    broken = read(tmp_path, GOOD.replace("0.5", "much"), good)
    assert (broken.agents, broken.limits, broken.in_doubt) == (good.agents, good.limits, None)
    assert [problem.path for problem in broken.problems] == ["limits.max_cost"]
    mended = read(tmp_path, "instructions: New.", broken)
    assert (mended.instructions, mended.agents, mended.problems) == ("New.", {}, ())


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("limits: {max_cost: much}", {"boundary": "local"}),
        ("limits: {boundary: free}\nagents: {a: {modell: x}}", {"boundary": "local"}),
        (b"\xff", {"boundary": "local"}),
        ("agents: {a: {modell: x}}", {}),
    ],
)
def test_of_one_that_never_was_good_the_limits_may_be_anything(
    tmp_path: Path, text: str | bytes, limits: dict[str, str]
) -> None:
    own = read(tmp_path, text)
    assert own.limits == limits
    assert bool(own.in_doubt) == bool(limits)
    assert read(tmp_path, "{}", own).limits == {}


def test_one_that_goes_from_bad_to_worse_is_in_doubt_as_well(tmp_path: Path) -> None:
    own = read(tmp_path, "agents: {a: {modell: x}}")
    assert read(tmp_path, "limits: {max_cost: much}", own).in_doubt


def test_the_same_text_is_the_same_file(tmp_path: Path) -> None:
    own = read(tmp_path, GOOD)
    assert read(tmp_path, GOOD, own) is own
