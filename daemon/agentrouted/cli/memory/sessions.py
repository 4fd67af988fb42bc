"""`agentrouted memory`: conversations."""

import argparse
from functools import partial

from agentrouted.cli.memory.words import Shown, day, limit, say_if_more, scope, scope_if_named, show_found
from agentrouted.cli.messages import show_messages
from agentrouted.cli.terminal import show
from agentrouted.core.errors import NotFound
from agentrouted.core.in_words import in_words
from agentrouted_client import Client
from agentrouted_protocol.memory import (
    MemoryClearMessagesParams,
    MemoryClearMessagesResult,
    MemoryGetMessagesParams,
    MemoryGetMessagesResult,
    MemorySessionsParams,
    MemorySessionsResult,
)


async def sessions(client: Client, arguments: argparse.Namespace) -> tuple[MemorySessionsResult, Shown]:
    params = MemorySessionsParams(scope=scope(arguments), limit=limit(arguments), cursor=arguments.cursor)
    told: MemorySessionsResult = await client.request("memory/sessions", params)
    say_if_more(told.next_cursor, len(told.sessions))
    rows = [(each.session_id, day(each.updated_at), str(each.messages), each.title or "") for each in told.sessions]
    return told, partial(show_found, rows)


async def messages(client: Client, arguments: argparse.Namespace) -> tuple[MemoryGetMessagesResult, Shown]:
    params = MemoryGetMessagesParams(
        session_id=arguments.session_id, limit=arguments.limit, scope=scope_if_named(arguments)
    )
    told: MemoryGetMessagesResult = await client.request("memory/getMessages", params)
    if not told.messages:
        raise _no_messages(arguments)
    return told, partial(show_messages, told.messages)


async def clear(client: Client, arguments: argparse.Namespace) -> tuple[MemoryClearMessagesResult, Shown]:
    params = MemoryClearMessagesParams(session_id=arguments.session_id, scope=scope_if_named(arguments))
    told: MemoryClearMessagesResult = await client.request("memory/clearMessages", params)
    if not told.cleared:
        raise _no_messages(arguments)
    return told, partial(show, f"forgotten: {in_words(told.cleared, 'message')}")


def _no_messages(arguments: argparse.Namespace) -> NotFound:
    """Whether there is a session without any is not told by the daemon."""
    whose = ", ".join(f"{name} `{value}`" for name, value in scope(arguments) if value)
    where = f"the memory of {whose}" if whose else "any memory"
    return NotFound(
        f"there are no messages of session `{arguments.session_id}` in {where}",
        hint="`agentrouted memory sessions` lists those of the --user, --workspace, --agent or --session that it names",
    )
