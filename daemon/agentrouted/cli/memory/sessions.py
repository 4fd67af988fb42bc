"""`agentrouted memory`: conversations."""

import argparse

from agentrouted.cli.memory.words import day, limit, rows_in_words, say_if_more, scope, scope_if_named
from agentrouted.cli.messages import lines_of
from agentrouted.core.errors import InvalidParams
from agentrouted_client import Client
from agentrouted_protocol.memory import (
    MemoryClearMessagesParams,
    MemoryClearMessagesResult,
    MemoryGetMessagesParams,
    MemoryGetMessagesResult,
    MemorySessionsParams,
    MemorySessionsResult,
)


async def sessions(client: Client, arguments: argparse.Namespace) -> tuple[MemorySessionsResult, str]:
    params = MemorySessionsParams(scope=scope(arguments), limit=limit(arguments), cursor=arguments.cursor)
    told: MemorySessionsResult = await client.request("memory/sessions", params)
    say_if_more(told.next_cursor, len(told.sessions))
    rows = [(each.session_id, day(each.updated_at), str(each.messages), each.title or "") for each in told.sessions]
    return told, rows_in_words(rows)


async def messages(client: Client, arguments: argparse.Namespace) -> tuple[MemoryGetMessagesResult, str]:
    params = MemoryGetMessagesParams(
        session_id=_session(arguments), limit=arguments.limit, scope=scope_if_named(arguments)
    )
    told: MemoryGetMessagesResult = await client.request("memory/getMessages", params)
    return told, "\n".join(line for message in told.messages for line in lines_of(message))


async def clear(client: Client, arguments: argparse.Namespace) -> tuple[MemoryClearMessagesResult, str]:
    params = MemoryClearMessagesParams(session_id=_session(arguments), scope=scope_if_named(arguments))
    told: MemoryClearMessagesResult = await client.request("memory/clearMessages", params)
    return told, f"forgotten: {told.cleared} messages"


def _session(arguments: argparse.Namespace) -> str:
    if len(arguments.words) != 1:
        raise InvalidParams("which session is meant?", hint="`agentrouted memory sessions` lists them")
    return str(arguments.words[0])
