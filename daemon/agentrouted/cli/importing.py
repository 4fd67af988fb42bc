"""`config import`: another router's config, as ours."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

from agentrouted.cli.terminal import Part, Style, say
from agentrouted.core.config.content import read_content
from agentrouted.core.config.importing import FORMATS, Reading, read_foreign, to_yaml
from agentrouted.core.config.imports.base import Finding, Fit
from agentrouted.core.errors import ConfigInvalid
from agentrouted_protocol.config import Range

_STYLES: Final[dict[Fit, Style]] = {"exact": "green", "approximate": "yellow", "unsupported": "red"}


def import_config(file: str, output: str | None, *, force: bool, as_json: bool) -> int:
    """Our YAML on stdout, or in `output`; what became of each place of the file, on stderr."""
    reading = _read(Path(file))
    text = to_yaml(reading.document)
    if output:
        _write(Path(output), text, force=force)
    if as_json:
        found = [_as_json(finding, where) for finding, where in reading.findings]
        config = {} if output else {"config": text}
        print(json.dumps({"format": reading.format, "file": file, "output": output, "findings": found, **config}))
        return 0
    if not output:
        print(text, end="", flush=True)
    for finding, where in reading.findings:
        message = f"{finding.dotted}: {finding.message}"
        say(*located(finding.fit, message, file, where, finding.hint, _STYLES[finding.fit]))
    say(_summary(reading, output))
    return 0


def located(
    kind: str, message: str, file: str | None, where: Range | None, hint: str | None, style: Style
) -> tuple[Part, ...]:
    """`file:line:column: kind: message`, counted from one, as compilers do."""
    place = [file or "config"]
    if where:
        place += [str(where.start.line + 1), str(where.start.character + 1)]
    more = f"\n  hint: {hint}" if hint else ""
    return f"{':'.join(place)}: ", (f"{kind}:", style), f" {message}{more}"


def _read(path: Path) -> Reading:
    content = read_content(path)
    if content.problem:
        raise ConfigInvalid(f"{path}: {content.problem.message}", hint=content.problem.hint)
    if content.text is None:
        raise ConfigInvalid(f"there is no file {path}", hint="name the file: `agentrouted config import FILE`")
    return read_foreign(content.text.removeprefix("\ufeff"), path)


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.is_char_device() or path.is_fifo():
        # Such as /dev/null, or /dev/stdout: a file must not take its place.
        path.write_text(text, encoding="utf-8")
        return
    if path.exists() and not force:
        raise ConfigInvalid(f"{path} is there already", hint="name another file, or overwrite it with `--force`")
    # A link stays one. The file may hold keys: nobody else reads it, from the first byte on.
    path = path.resolve()
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def _as_json(finding: Finding, where: Range | None) -> dict[str, Any]:
    return {
        "fit": finding.fit,
        "path": finding.dotted,
        "line": where.start.line + 1 if where else None,
        "column": where.start.character + 1 if where else None,
        "message": finding.message,
        "hint": finding.hint,
    }


def _summary(reading: Reading, output: str | None) -> str:
    counts = Counter(finding.fit for finding, _ in reading.findings)
    told = ", ".join(f"{counts[fit]} {fit}" for fit in _STYLES)
    written = f"; written to {output}" if output else ""
    return f"{FORMATS[reading.format].title}: {told}{written}"
