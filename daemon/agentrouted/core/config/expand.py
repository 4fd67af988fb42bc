"""`${VAR}` and `${VAR:-default}` in values, after parsing."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from agentrouted.core.config.document import Document, KeyPath, dotted
from agentrouted_protocol.config import Problem

Severity = Literal["error", "warning"]

_VARIABLE = re.compile(
    r"""\$\$(?=\{)                        # `$${` stands for `${`
      | \$\{ (?P<name>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>[^}]*) )? \}
      | (?P<broken>\$\{)""",
    re.VERBOSE,
)


class Expansion:
    """The data of a document with its variables put in, as the environment has them.

    A variable that is set but empty takes its default, as in the shell. One that is not set and has no default is an
    error; for an `api_key` and an account a warning, since other providers work without it and the key may be found
    elsewhere.
    """

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self.problems: list[Problem] = []
        self.variables: dict[KeyPath, str] = {}
        """Paths of values that came from the environment, and the variable."""

        self.data = self._expand(document.data, ())

    def _expand(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {key: self._expand(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self._expand(each, (*path, number)) for number, each in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            before = len(self.problems)
            expanded = _VARIABLE.sub(lambda match: self._replacement(match, path), value)
            return expanded if len(self.problems) == before else None
        return value

    def _replacement(self, match: re.Match[str], path: KeyPath) -> str:
        if match["broken"]:
            hint = "write `${NAME}` or `${NAME:-default}`, or `$${` for a plain `${`"
            self._complain(path, "has a `${` that cannot be read", hint, "error")
            return ""
        if not match["name"]:
            return "$"
        value = self._environ.get(match["name"])
        if value or (value == "" and match["default"] is None):
            self.variables[path] = match["name"]
            return value
        if match["default"] is None:
            severity: Severity = "warning" if _is_key(path) else "error"
            hint = f"set it where the daemon starts, or write `${{{match['name']}:-default}}`"
            self._complain(path, f"needs the environment variable {match['name']}, which is not set", hint, severity)
        return match["default"] or ""

    def _complain(self, path: KeyPath, message: str, hint: str, severity: Severity) -> None:
        place = self._document.place_of(path)
        problem = Problem(
            path=dotted(path),
            message=f"`{dotted(path)}` {message}",
            severity=severity,
            range=place.value if place else None,
            hint=hint,
        )
        self.problems.append(problem)


def _is_key(path: KeyPath) -> bool:
    return path[-1] == "api_key" or path[-2:-1] == ("accounts",)
