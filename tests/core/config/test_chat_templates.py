"""Files with chat templates that the configuration names."""

from pathlib import Path

import pytest

from agentrouted.core.config.chat_templates import configured_template
from agentrouted.core.config.environment import Environment
from agentrouted.core.config.store import ConfigStore
from agentrouted.core.errors import ConfigInvalid

CONFIG = "daemon:\n  embedded:\n    chat_templates:\n      ollama/qwen2.5:7b: {file}\n"
MODEL = "ollama/qwen2.5:7b"


def store(home: Path, file: str) -> ConfigStore:
    folder = home / ".agentroute"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG.format(file=file))
    return ConfigStore(Environment({"HOME": str(home)}, home, Path("/")))


@pytest.mark.parametrize("file", ["chat.jinja", "~/.agentroute/chat.jinja", "{home}/.agentroute/chat.jinja"])
def test_a_template_is_read_from_beside_the_config_from_home_or_by_its_full_path(tmp_path: Path, file: str) -> None:
    config = store(tmp_path, file.format(home=tmp_path)).current
    (tmp_path / ".agentroute/chat.jinja").write_text("{{ messages }}")

    assert configured_template(config, MODEL) == "{{ messages }}"
    assert configured_template(config, MODEL.upper()) == "{{ messages }}"
    assert configured_template(config, "qwen2.5:7b") is None


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "there is no such file"), (b" \n", "it is empty"), (b"\xff", "the file is not UTF-8: see line 1")],
)
def test_a_file_that_is_no_template_is_a_warning_at_its_place_and_an_error_for_its_model_only(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "chat.jinja"
    if content is not None:
        file.write_bytes(content)
    config = store(tmp_path, str(file)).current

    (problem,) = config.problems
    assert problem.range and (problem.range.start.line, problem.range.start.character) == (3, 25)
    assert (problem.severity, problem.path) == ("warning", f"daemon.embedded.chat_templates.{MODEL}")
    assert problem.message == f"`{problem.path}` names {file}, but {why}"
    with pytest.raises(ConfigInvalid) as caught:
        configured_template(config, MODEL)
    assert (caught.value.message, caught.value.hint) == (problem.message, problem.hint)
