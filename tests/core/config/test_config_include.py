"""`include`: other files under this one."""

from pathlib import Path

import pytest

from agentrouted.core.config.describe import effective
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.load import Loaded, load
from agentrouted.core.config.store import ConfigStore
from agentrouted_protocol.config import Problem

LITELLM = "model_list: [{model_name: chat, litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}}]"


def load_in(folder: Path, **files: str) -> Loaded:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return load(folder / "config.yaml", {"HOME": str(folder), "OPENAI_API_KEY": "k"})


def errors(loaded: Loaded) -> list[tuple[str, int, str]]:
    return [where(problem) for problem in loaded.problems if problem.severity == "error"]


def where(problem: Problem) -> tuple[str, int, str]:
    return Path(problem.file or "").name, problem.range.start.line + 1 if problem.range else 0, problem.path


@pytest.mark.parametrize(
    "written",
    ["include: other.yaml", "include: [other.yaml]", "include: ~/other.yaml", "config: {include: other.yaml}"],
)
def test_what_is_included_is_in_force(tmp_path: Path, written: str) -> None:
    loaded = load_in(tmp_path, config=written, other=LITELLM)
    assert loaded.config
    assert list(loaded.config.models) == ["chat"]
    assert list(loaded.included) == [tmp_path / "other.yaml"]


def test_a_file_of_our_own_kind_can_be_included_too(tmp_path: Path) -> None:
    config = "include: agents.yaml\nmodels: {fast: ollama/qwen}"
    loaded = load_in(tmp_path, config=config, agents="agents: {poet: {model: fast}}")
    assert loaded.problems == ()
    assert loaded.config
    assert loaded.config.agents["poet"].model == "fast"


def test_what_the_file_itself_says_wins_whole(tmp_path: Path) -> None:
    config = "include: other.yaml\nproviders: {OpenAI: {headers: {X-Mine: yes}}}\nmodels: {chat: ollama/qwen}"
    loaded = load_in(tmp_path, config=config, other=LITELLM)
    assert loaded.config
    assert list(loaded.config.providers) == ["OpenAI"]
    assert loaded.config.providers["OpenAI"].api_key is None
    assert [endpoint.text for endpoint in loaded.config.models["chat"].endpoints] == ["ollama/qwen"]


def test_of_two_included_files_the_later_one_wins(tmp_path: Path) -> None:
    config = "include: [one.yaml, two.yaml]"
    loaded = load_in(tmp_path, config=config, one="models: {m: a/a, n: a/n}", two="models: {m: b/b}")
    assert loaded.config
    chains = {name: model.endpoints[0].text for name, model in loaded.config.models.items()}
    assert chains == {"m": "b/b", "n": "a/n"}


@pytest.mark.parametrize(
    ("own", "included", "in_force"),
    [
        ("default_provider: groq", "api_base: https://x.example", ("groq", None)),
        ("api_base: https://x.example", "default_provider: groq", (None, "https://x.example")),
        ("agents: {}", "default_provider: groq", ("groq", None)),
    ],
)
def test_only_one_default_counts(tmp_path: Path, own: str, included: str, in_force: tuple[str | None, ...]) -> None:
    loaded = load_in(tmp_path, config=f"include: other.yaml\n{own}", other=included)
    assert loaded.config
    assert (loaded.config.default_provider, loaded.config.api_base) == in_force


def test_a_fallback_in_another_file_is_not_added_to_a_model_of_ours(tmp_path: Path) -> None:
    other = f"{LITELLM}\nlitellm_settings: {{fallbacks: [{{here: [chat]}}], default_fallbacks: [chat]}}"
    loaded = load_in(tmp_path, config="include: other.yaml\nmodels: {here: ollama/qwen}", other=other)
    assert loaded.config
    assert [endpoint.text for endpoint in loaded.config.models["here"].endpoints] == ["ollama/qwen"]


def test_each_value_says_in_which_file_it_stands(tmp_path: Path) -> None:
    other = "models:\n  m: {endpoints: [b/b]}\n  n: c/c"
    load_in(tmp_path, config="include: other.yaml\nmodels: {m: a/a}", other=other)
    environment = Environment({"AGENTROUTE_CONFIG": str(tmp_path / "config.yaml")}, tmp_path, tmp_path)
    values = effective(ConfigStore(environment).current, "models")
    origins = {value.path: value.origin for value in values}
    assert origins["models.m.endpoints.0.model"] == f"{tmp_path}/config.yaml:2"
    assert origins["models.n.endpoints.0.model"] == f"{tmp_path}/other.yaml:3"


def test_what_another_router_wrote_and_is_not_so_here_is_a_warning_at_its_line(tmp_path: Path) -> None:
    other = f"{LITELLM}\nlitellm_settings:\n  drop_params: true"
    loaded = load_in(tmp_path, config="include: other.yaml", other=other)
    assert loaded.config
    assert [(problem.severity, *where(problem)) for problem in loaded.problems] == [
        ("warning", "other.yaml", 3, "litellm_settings.drop_params")
    ]


@pytest.mark.parametrize(
    ("config", "files", "expected"),
    [
        ("agents: {}\ninclude: none.yaml", {}, [("config.yaml", 2, "include")]),
        ("include: [a.yaml, none.yaml]", {"a": ""}, [("config.yaml", 1, "include")]),
        ("include: config.yaml", {}, [("config.yaml", 1, "include")]),
        ("include: 3", {}, [("config.yaml", 1, "include")]),
        ("include: [a.yaml, 3]", {"a": ""}, [("config.yaml", 1, "include.1")]),
        ("config: {include: a.yaml, more: 1}", {"a": ""}, [("config.yaml", 1, "config")]),
        (
            "include: a.yaml",
            {"a": "include: b.yaml", "b": "agents: {}\ninclude: a.yaml"},
            [("config.yaml", 1, "include"), ("a.yaml", 1, "include"), ("b.yaml", 2, "include")],
        ),
        (
            "include: a.yaml",
            {"a": "agents:\n  poet: {modell: x}"},
            [("config.yaml", 1, "include"), ("a.yaml", 2, "agents.poet.modell")],
        ),
        ("include: a.yaml", {"a": "agents: ["}, [("config.yaml", 1, "include"), ("a.yaml", 1, "")]),
        (
            "include: a.yaml",
            {"a": LITELLM.replace("api_key: ", "api_base: ").replace("OPENAI_API_KEY", "NOT_SET")},
            [("config.yaml", 1, "include"), ("a.yaml", 1, "providers.not_set.api_base")],
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, config: str, files: dict[str, str], expected: list[tuple[str, int, str]]
) -> None:
    loaded = load_in(tmp_path, config=config, **files)
    assert loaded.config is None
    assert errors(loaded) == expected


@pytest.mark.parametrize("text", [LITELLM, "inherit_defaults: true\nproviders: {openai: }", "api_key=sk-or-1"])
def test_the_config_of_another_router_in_place_of_ours_is_told_as_such(tmp_path: Path, text: str) -> None:
    loaded = load_in(tmp_path, config=text)
    assert loaded.config is None
    assert loaded.problems[0].path == ""
    assert "include" in (loaded.problems[0].hint or "")


def test_files_that_include_many_end(tmp_path: Path) -> None:
    files = {f"f{number}": f"include: [f{number + 1}.yaml, f{number + 1}.yaml]" for number in range(30)}
    loaded = load_in(tmp_path, config="include: f0.yaml", **files, f30="")
    assert any("50 files" in problem.message for problem in loaded.problems)


def test_the_same_file_by_two_ways_is_no_circle(tmp_path: Path) -> None:
    files = {"a": "include: c.yaml", "b": "include: c.yaml", "c": "models: {m: a/a}"}
    loaded = load_in(tmp_path, config="include: [a.yaml, b.yaml]", **files)
    assert loaded.config
    assert list(loaded.config.models) == ["m"]
