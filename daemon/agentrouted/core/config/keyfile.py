"""The plain file of keys beside the configuration file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentrouted.core.config.content import Content
from agentrouted_protocol.config import Position, Problem, Range

_LINE = re.compile(r"\s*(?:export\s+)?([^\s=#]+)\s*=\s*(.*?)\s*")
_QUOTED = re.compile(r"""(["'])(.*?)\1\s*(?:#.*)?""")
_KNOWN_NAME = re.compile(
    r"""api_key | \w[\w.-]*_(api_key|base_url)
      | (localhost | [^:/]*\.[^:/]* | \[[0-9a-f:]+\]) (:\d+)?   # a host, as it stands in a web address""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Keyfile:
    values: Mapping[str, str]
    """Names in lower case; an entry that is empty is not there."""

    problems: tuple[Problem, ...] = ()
    """Warnings: a bad line is left out, and never shown, since it may hold a key."""

    origins: Mapping[str, str] = field(default_factory=dict)
    """`keyfile.<name>` to `<file>:<line>`."""


def load_keyfile(content: Content, path: Path | None) -> Keyfile:
    """Nothing that is wrong with this file is worse than a warning."""
    if content.problem:
        return Keyfile({}, (content.problem.model_copy(update={"severity": "warning"}),))
    return parse_keyfile(content.text or "", path)


def parse_keyfile(text: str, path: Path | None) -> Keyfile:
    """Lines `name=value`: `api_key`, `<provider>_api_key`, `<provider>_base_url`, or a host, such as `openrouter.ai`.

    Blank lines and `#` comments, quotes and `export` are understood; of two lines with one name the last counts.
    """
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _LINE.fullmatch(line)
        if not entry:
            problems.append(_warning(number, line, "is not `name=value`", "the line is left out"))
            continue
        name, value = entry[1].lower(), _unquoted(entry[2])
        if not _KNOWN_NAME.fullmatch(name):
            problems.append(_warning(number, line, "begins with a name that means nothing here", _NAMES))
            continue
        if name in lines:
            problems.append(_warning(number, line, f"has the name of line {lines[name]}", "the later line counts"))
        values[name], lines[name] = value, number
    return Keyfile(
        {name: value for name, value in values.items() if value},
        tuple(problem.model_copy(update={"file": str(path)}) for problem in problems),
        {f"keyfile.{name}": f"{path}:{number}" for name, number in lines.items()},
    )


_NAMES = "`api_key`, `<provider>_api_key`, `<provider>_base_url` and hosts are known"


def _unquoted(value: str) -> str:
    if quoted := _QUOTED.fullmatch(value):
        return quoted[2].strip()
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()


def _warning(number: int, line: str, message: str, hint: str) -> Problem:
    width = len(line.encode("utf-16-le", "surrogatepass")) // 2
    here = Range(start=Position(line=number - 1, character=0), end=Position(line=number - 1, character=width))
    return Problem(message=f"line {number} {message}", severity="warning", range=here, hint=hint)
