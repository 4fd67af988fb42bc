"""What is remembered, in few words."""

from typing import Any

from agentrouted.core.memory.store import Store
from agentrouted_protocol.memory import (
    MemoryForgetParams,
    MemoryGetParams,
    MemoryHit,
    MemoryImportParams,
    MemoryImportResult,
    MemoryListParams,
    MemoryRecallParams,
    MemoryRememberParams,
    MemoryRememberResult,
    SessionMessage,
)
from agentrouted_protocol.scope import Scope

HERE = Scope(workspace="here")
THERE = Scope(workspace="there")


async def remember(store: Store, text: str, **more: Any) -> MemoryRememberResult:
    return await store.remember(MemoryRememberParams(text=text, **more))


async def hits(store: Store, query: str, **more: Any) -> list[MemoryHit]:
    return await store.recall(MemoryRecallParams(query=query, **more))


async def found(store: Store, query: str, **more: Any) -> list[str]:
    return [hit.text for hit in await hits(store, query, **more)]


async def listed(store: Store, **more: Any) -> list[str]:
    return [entry.text for entry in (await store.page(MemoryListParams(**more))).entries]


async def forget(store: Store, **more: Any) -> int:
    return await store.forget(MemoryForgetParams(**more))


async def take_in(store: Store, text: str, **more: Any) -> MemoryImportResult:
    return await store.import_(MemoryImportParams(text=text, **more))


def get(**more: Any) -> MemoryGetParams:
    return MemoryGetParams(**more)


def says(text: str, **more: Any) -> SessionMessage:
    return SessionMessage(role=more.pop("role", "user"), content=text, **more)
