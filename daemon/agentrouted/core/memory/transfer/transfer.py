"""Memory out to a file of JSON Lines, and in again."""

import asyncio
import contextlib
import io
import json
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import InvalidParams, Storage
from agentrouted.core.memory.facts import new_uid
from agentrouted.core.memory.transfer.files import absolute, cannot, file_at, file_to_write
from agentrouted.core.memory.transfer.foreign import as_lines, format_of
from agentrouted.core.memory.transfer.lines import HEADER, MOST_CHARACTERS, MOST_LINES, Line, Placed, parsed, to_text
from agentrouted.core.memory.transfer.lines_in import take_in
from agentrouted.core.memory.transfer.lines_out import Place, next_lines
from agentrouted.core.memory.transfer.memory_sqlite import is_database, lines_of_file
from agentrouted.core.storage.database import Database
from agentrouted.core.threads import in_thread
from agentrouted_protocol.memory import (
    MemoryExportParams,
    MemoryExportResult,
    MemoryImportParams,
    MemoryImportResult,
)
from agentrouted_protocol.scope import Scope

# Without a file: more does not fit into an answer.
_LONGEST_TEXT: Final = 32 * 1024 * 1024
_MOST_PROBLEMS: Final = 100

_HEADER: Final = f"{json.dumps(HEADER)}\n"

Report = Callable[[int], object]


def silent(done: int) -> None:
    """Nobody wants to hear."""


async def export(database: Database, params: MemoryExportParams, report: Report = silent) -> MemoryExportResult:
    """`report` hears how many lines are done. Raises `InvalidParams` for a path that cannot be meant, and `Storage`
    where it cannot be written.
    """
    if params.path is not None:
        return await _export_to_file(database, params, absolute(params.path), report)
    texts = [_HEADER]
    size = 0

    async def add(text: str) -> None:
        nonlocal size
        size += len(text)
        if size > _LONGEST_TEXT:
            raise InvalidParams("there is more than fits into an answer", hint="name a `path` to write it to")
        texts.append(text)

    exported = await _export(database, params.scope, add, report)
    return exported.model_copy(update={"text": "".join(texts)})


async def import_(
    database: Database, params: MemoryImportParams, report: Report = silent, boundary: Boundary | None = None
) -> MemoryImportResult:
    """What is there already stays, unless the line is newer. Lines that cannot be taken in are told; when it is
    cancelled, those before stay. `boundary` is the one in force; a line keeps a stricter one that it comes with.
    """
    if (params.path is None) == (params.text is None):
        raise InvalidParams("name one of `path` and `text`")
    entries = messages = done = 0
    problems: list[str] = []
    refused: set[str] = set()
    opened = contextlib.ExitStack()
    try:
        texts = await in_thread(partial(_source, params, opened))
        while (batch := await in_thread(partial(_next, texts, problems))) is not None:
            taking = partial(take_in, lines=batch, refused=refused, boundary=boundary)
            facts, said, faults = await database.write(taking)
            problems += faults[: _MOST_PROBLEMS - len(problems)]
            entries, messages, done = entries + facts, messages + said, done + len(batch)
            report(done)
    finally:
        # Where we are cancelled, a read may be under way, and the file cannot be closed before it ends.
        threading.Thread(target=opened.close, daemon=True).start()
    return MemoryImportResult(entries=entries, messages=messages, problems=problems)


async def _export_to_file(
    database: Database, params: MemoryExportParams, path: Path, report: Report
) -> MemoryExportResult:
    """Whole or not there, whoever else writes it."""
    file = await in_thread(partial(file_to_write, path, database.path))
    partial_path = file.with_name(f"{file.name}.{new_uid()}.partial")
    # One thread: where we are cancelled, what is being written ends before the file is removed.
    thread = ThreadPoolExecutor(1)
    in_order = partial(asyncio.get_running_loop().run_in_executor, thread)
    try:
        await in_order(_begin, partial_path)
        exported = await _export(database, params.scope, partial(in_order, _append, partial_path), report)
        await in_order(partial_path.replace, file)
    except OSError as error:
        raise cannot(path, error) from error
    finally:
        # Where it could not be made, it cannot be removed either.
        with contextlib.suppress(OSError):
            await in_order(partial_path.unlink)
        thread.shutdown(wait=False)
    return exported.model_copy(update={"path": str(path)})


async def _export(
    database: Database, scope: Scope | None, write: Callable[[str], Awaitable[object]], report: Report
) -> MemoryExportResult:
    """Without the header; some lines at a time. Returns how many there are."""
    entries = messages = 0
    place: Place | None = Place()
    while place is not None:
        lines, place = await database.read(partial(next_lines, place=place, only=scope))
        if not lines:
            break
        await write("".join(f"{to_text(line)}\n" for line in lines))
        entries += sum(line["type"] == "fact" for line in lines)
        messages += sum(line["type"] == "message" for line in lines)
        report(entries + messages)
    return MemoryExportResult(entries=entries, messages=messages)


def _source(params: MemoryImportParams, opened: contextlib.ExitStack) -> Iterator[Placed]:
    """The lines as ours, whatever wrote them."""
    if params.text is not None:
        text = io.StringIO(params.text.removeprefix("\ufeff"))
        text_kind = params.format or format_of(text)
        if text_kind == "memory-sqlite":
            raise InvalidParams("a file of `MemorySQLite` is no text", hint="name its `path`")
        return as_lines(text, text_kind, params.scope)
    path = absolute(params.path or "")
    file_at(path)
    try:
        is_sqlite = is_database(path)
        if params.format == "memory-sqlite" or (params.format is None and is_sqlite):
            return lines_of_file(path, params.scope, opened)
        file = opened.enter_context(path.open(encoding="utf-8-sig", errors="replace", newline="\n"))
        return as_lines(file, params.format or format_of(file), params.scope)
    except OSError as error:
        raise cannot(path, error) from error
    except sqlite3.Error as error:
        raise _unreadable(error) from error


def _next(texts: Iterator[Placed], problems: list[str]) -> list[tuple[str, Line]] | None:
    """None after the last one."""
    batch: list[tuple[str, Line]] = []
    try:
        some = list(_some(texts))
    except (OSError, sqlite3.Error) as error:
        raise _unreadable(error) from error
    for place, line, problem in parsed(some):
        if line is not None:
            batch.append((place, line))
        if problem is not None and len(problems) < _MOST_PROBLEMS:
            problems.append(problem)
    return batch if some else None


def _some(texts: Iterator[Placed]) -> Iterator[Placed]:
    characters = 0
    for place, text in islice(texts, MOST_LINES):
        yield place, text
        characters += len(text)
        if characters > MOST_CHARACTERS:
            return


def _begin(path: Path) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(_HEADER, encoding="utf-8")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _unreadable(error: Exception) -> Storage:
    return Storage(f"the file to be imported cannot be read: {error}", hint="see whether it is whole")
