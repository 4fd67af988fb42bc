"""Every value with its origin."""

from pathlib import Path
from typing import Any

from agentrouted.core.config.describe import effective
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.store import ConfigStore

TEXT = """\
providers:
  groq:
    api_key: ${GROQ_API_KEY}
    headers: {X-Key: short}
    timeouts:
      idle: ${IDLE:-5}
models:
  fast: groq/a
  slow: [groq/b,
    groq/c]
  last:
    endpoints: [d]
    fallback_on: [model_missing, context_overflow]
"""


def described(home: Path, path: str | None = None) -> dict[str, tuple[Any, str]]:
    folder = home / ".agentroute"
    folder.mkdir()
    (folder / "config.yaml").write_text(TEXT)
    (folder / "config").write_text("# keys\napi_key=sk-0123456789abcdef\nbox_base_url=http://box")
    store = ConfigStore(Environment({"GROQ_API_KEY": "gsk-0123456789wxyz"}, home, home))
    return {value.path: (value.value, value.origin) for value in effective(store.current, path)}


def test_a_value_tells_where_it_was_written(tmp_path: Path) -> None:
    values, file = described(tmp_path), f"{tmp_path}/.agentroute/config.yaml"
    assert values["providers.groq.api_key"] == ("…wxyz", "env:GROQ_API_KEY")
    assert values["providers.groq.headers.X-Key"] == ("set", f"{file}:4")
    assert values["providers.groq.timeouts.idle"] == (5, f"{file}:6")
    assert values["providers.groq.timeouts.connect"] == (10, "default")
    assert values["providers.groq.local"] == (None, "default")
    assert values["daemon.idle_timeout"] == (900, "default")
    assert values["agents"] == ({}, "default")


def test_a_short_form_tells_where_it_was_written(tmp_path: Path) -> None:
    values, file = described(tmp_path, "models"), f"{tmp_path}/.agentroute/config.yaml"
    assert values["models.fast.endpoints.0.model"] == ("groq/a", f"{file}:8")
    assert values["models.slow.endpoints.1.model"] == ("groq/c", f"{file}:9")
    assert values["models.last.endpoints.0.model"] == ("d", f"{file}:12")
    assert values["models.last.fallback_on"] == (["context_overflow", "model_missing"], f"{file}:13")
    assert values["models.last.strategy"] == ("priority", "default")
    assert all(path.startswith("models.") for path in values)


def test_keys_of_the_plain_file_are_told_as_hints(tmp_path: Path) -> None:
    values, file = described(tmp_path, "keyfile"), f"{tmp_path}/.agentroute/config"
    assert values == {
        "keyfile.api_key": ("…cdef", f"{file}:2"),
        "keyfile.box_base_url": ("http://box", f"{file}:3"),
    }


def test_each_value_has_a_path(tmp_path: Path) -> None:
    store = ConfigStore(Environment({}, tmp_path, tmp_path))
    assert all(value.path for value in effective(store.current))


def test_a_key_in_the_place_of_a_name_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("agents: {sk-or-v1-0123456789abcdef: {model: a/b}}")
    store = ConfigStore(Environment({}, tmp_path, tmp_path), "config.yaml")
    values = {value.path: value.origin for value in effective(store.current)}
    assert values["agents.[key].model"] == f"{tmp_path}/config.yaml:1"
    assert "0123" not in str(values)


def test_one_path_is_one_value(tmp_path: Path) -> None:
    assert list(described(tmp_path, "daemon.log_level")) == ["daemon.log_level"]
