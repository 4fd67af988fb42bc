"""Everything of a scope forgotten, and the proof told."""

import json
from pathlib import Path
from typing import Any

from agentrouted.core.config.environment import Environment
from agentrouted.core.erasing import Erased, forget_everything
from agentrouted.core.errors import Storage
from agentrouted.core.in_words import in_words
from agentrouted_protocol.scope import Scope


def erase(scope: Scope, *, dry_run: bool, as_json: bool) -> int:
    """The exit code: 1 if something is left. Not by the daemon: the proof is about the file, whoever has it open."""
    path = Environment.of_process().database_file
    if path is None:
        raise Storage("there is no folder for the database", hint="set HOME")
    erased = forget_everything(path, scope, dry_run=dry_run)
    if as_json:
        print(json.dumps(_as_plain(path, erased)))
    else:
        print("\n".join(_in_words(path, erased, dry_run=dry_run)))
    return 1 if erased.left or erased.copies or erased.running else 0


def _in_words(path: Path, erased: Erased, *, dry_run: bool) -> list[str]:
    counts = f"{in_words(erased.facts, 'fact')}, {in_words(erased.messages, 'message')}, {in_words(erased.runs, 'run')}"
    running = [f"run {run} is under way and stays: cancel it, then do this again" for run in erased.running]
    if dry_run:
        return [f"would be forgotten: {counts}", *running]
    said = f"{in_words(len(erased.left), 'piece')} of it left, in runs of others" if erased.left else "nothing is left"
    copies = [f"an older copy has it: {copy}: delete it" for copy in erased.copies]
    return [f"forgotten: {counts}", f"searched {path}: {said}", *running, *copies]


def _as_plain(path: Path, erased: Erased) -> dict[str, Any]:
    return {
        "path": str(path),
        "facts": erased.facts,
        "messages": erased.messages,
        "runs": erased.runs,
        "running": list(erased.running),
        "left": len(erased.left),
        "copies": [*map(str, erased.copies)],
    }
