"""`agentrouted memory`: facts, and what is found."""

import argparse
import json
from functools import partial
from typing import Any

from agentrouted.cli.memory.explaining import reasons
from agentrouted.cli.memory.words import Shown, day, limit, say_if_more, scope, show_found
from agentrouted.cli.terminal import Row, show, show_table
from agentrouted.core.errors import InvalidParams
from agentrouted_client import Client
from agentrouted_protocol.memory import (
    MemoryEntry,
    MemoryFilter,
    MemoryForgetParams,
    MemoryForgetResult,
    MemoryGetParams,
    MemoryHit,
    MemoryListParams,
    MemoryListResult,
    MemoryRecallParams,
    MemoryRecallResult,
    MemoryRememberParams,
    MemoryRememberResult,
)


async def remember(client: Client, arguments: argparse.Namespace) -> tuple[MemoryRememberResult, Shown]:
    params = MemoryRememberParams(
        text=" ".join(arguments.text),
        key=arguments.key,
        scope=scope(arguments),
        kind=arguments.kind,
        tags=arguments.tags,
        valid_from=arguments.valid_from,
        valid_to=arguments.valid_to,
        expires_at=arguments.expires,
        allow_secrets=arguments.allow_secrets,
    )
    told: MemoryRememberResult = await client.request("memory/remember", params)
    left_out = f", without what looked like a secret: {', '.join(told.redacted)}" if told.redacted else ""
    return told, partial(show, f"{told.id}{' (it was there already)' if told.merged else ''}{left_out}")


async def recall(client: Client, arguments: argparse.Namespace) -> tuple[MemoryRecallResult, Shown]:
    params = MemoryRecallParams(
        query=" ".join(arguments.words),
        scope=scope(arguments),
        limit=limit(arguments),
        kinds=arguments.kind,
        tags=arguments.tags or None,
        since=arguments.since,
        until=arguments.until,
        session_id=arguments.said_in,
        explain=arguments.explain,
    )
    told: MemoryRecallResult = await client.request("memory/recall", params)
    return told, partial(show_found, [row for hit in told.hits for row in _rows(hit)])


async def get(client: Client, arguments: argparse.Namespace) -> tuple[MemoryEntry, Shown]:
    params = MemoryGetParams(id=arguments.id, key=arguments.key, scope=scope(arguments))
    told: MemoryEntry = await client.request("memory/get", params)
    return told, partial(show_table, [(name, _in_words(value)) for name, value in told.to_wire().items() if value])


async def list_(client: Client, arguments: argparse.Namespace) -> tuple[MemoryListResult, Shown]:
    params = MemoryListParams(
        scope=scope(arguments),
        kinds=arguments.kind,
        tags=arguments.tags or None,
        limit=limit(arguments),
        cursor=arguments.cursor,
    )
    told: MemoryListResult = await client.request("memory/list", params)
    say_if_more(told.next_cursor, len(told.entries))
    rows = [(entry.id, day(entry.updated_at), entry.key or "", entry.text) for entry in told.entries]
    return told, partial(show_found, rows)


async def forget(client: Client, arguments: argparse.Namespace) -> tuple[MemoryForgetResult, Shown]:
    wanted = MemoryFilter(
        kinds=arguments.kind,
        tags=arguments.tags or None,
        since=arguments.since,
        until=arguments.until,
    )
    params = MemoryForgetParams(
        id=arguments.id,
        key=arguments.key,
        filter=None if wanted == MemoryFilter() else wanted,
        scope=scope(arguments),
        dry_run=arguments.dry_run,
    )
    if not (params.id or params.key or params.filter):
        raise InvalidParams(
            "what is to be forgotten?",
            hint="name it by --id, --key, --kind, --tag, --since or --until; or --everything",
        )
    told: MemoryForgetResult = await client.request("memory/forget", params)
    return told, partial(show, f"{'would be ' * arguments.dry_run}forgotten: {told.forgotten}")


def _rows(hit: MemoryHit) -> list[Row]:
    found = (day(hit.created_at), hit.role or hit.kind, hit.key or hit.source.session_id or "", hit.snippet)
    return [found, *(("", "", "", f"· {reason}") for reason in reasons(hit))]


def _in_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
