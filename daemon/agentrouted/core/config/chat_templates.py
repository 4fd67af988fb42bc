"""The files under `daemon.embedded.chat_templates`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from agentrouted.core.config.content import read_content
from agentrouted.core.config.document import Document, KeyPath, dotted
from agentrouted.core.config.environment import path_beside
from agentrouted.core.config.model import Config
from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.errors import ConfigInvalid
from agentrouted_protocol.config import Problem


def configured_template(snapshot: Snapshot, model: str) -> str | None:
    """The text of the file for `model` (the name after `local/`), as it is now; None where the config names none."""
    for name, file in snapshot.config.daemon.embedded.chat_templates.items():
        if name.lower() == model.lower():
            return _text(_key(name), path_beside(file, snapshot.path, snapshot.environ))
    return None


def unusable_templates(
    config: Config, document: Document, config_file: Path | None, environ: Mapping[str, str]
) -> Iterator[Problem]:
    """Warnings: all else that the config says holds without these files, and they may come later."""
    for name, file in config.daemon.embedded.chat_templates.items():
        try:
            _text(_key(name), path_beside(file, config_file, environ))
        except ConfigInvalid as error:
            place = document.place_of(_key(name))
            yield Problem(
                path=dotted(_key(name)),
                message=error.message,
                severity="warning",
                range=place.value if place else None,
                hint=error.hint,
            )


def _key(name: str) -> KeyPath:
    return ("daemon", "embedded", "chat_templates", name)


def _text(key: KeyPath, path: Path) -> str:
    content = read_content(path)
    if content.text and content.text.strip():
        return content.text
    why = content.problem.message if content.problem else "it is empty" if content.text else "there is no such file"
    raise ConfigInvalid(f"`{dotted(key)}` names {path}, but {why}", hint="mend that file, or name another")
