"""What the config says of a model's thinking, and of how long it stays loaded."""

from typing import Any

import pytest

from agentrouted.core.config.load import load_text


@pytest.mark.parametrize(
    ("written", "value"),
    [("30m", "30m"), ("' 1h30m '", "1h30m"), ("0.5s", "0.5s"), ("-1", -1), ("0", 0), ("'300'", 300), ("-1m", "-1m"),
     ("", None), ("'${HOW_LONG}'", "10m")],
)  # fmt: skip
def test_a_model_stays_loaded_for_seconds_or_a_time(written: str, value: Any) -> None:
    loaded = load_text(f"providers: {{ollama: {{keep_alive: {written}}}}}", None, {"HOW_LONG": "10m"})
    assert loaded.config, loaded.problems
    assert loaded.config.providers["ollama"].keep_alive == value


@pytest.mark.parametrize("written", ["yes", "soon", "30 minutes", "1d", "[1]", ".inf"])
def test_what_is_no_time_is_refused(written: str) -> None:
    loaded = load_text(f"providers: {{ollama: {{keep_alive: {written}}}}}", None, {})
    assert loaded.problems
    assert all(problem.path.startswith("providers.ollama.keep_alive") for problem in loaded.problems)


@pytest.mark.parametrize(("written", "value"), [("yes", True), ("false", False), ("low", "low"), ("max", "max")])
def test_a_model_thinks_or_not_or_so_hard(written: str, value: Any) -> None:
    loaded = load_text(f"providers: {{ollama: {{models: [{{id: m, think: {written}}}]}}}}", None, {})
    assert loaded.config, loaded.problems
    assert loaded.config.providers["ollama"].models[0].think == value


def test_it_cannot_think_otherwise() -> None:
    assert load_text("providers: {ollama: {models: [{id: m, think: deeply}]}}", None, {}).problems
