"""The reply of a model that the user has written, as it comes."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from agentrouted.core.wire.base import CallArguments, CallStart, Chunk, TextChunk
from agentrouted.face.channel import Channel
from agentrouted.face.llm import LLMChunk, LLMRequest, LLMResponse
from agentrouted.face.model_calls import to_reply

Call = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


async def read_stream(call: Call, model: Any, request: LLMRequest) -> AsyncGenerator[Sequence[Chunk], None]:
    """What comes, and at last the whole reply; nothing from a model whose stream gives nothing.

    `call` calls a function on the user's event loop.
    """
    heard, reply, has_come = Channel[LLMChunk](), LLMResponse(None), False
    reading = asyncio.ensure_future(call(lambda: _read(model, request, heard.put)))
    reading.add_done_callback(lambda _: heard.close())
    try:
        async for chunk in heard:
            has_come = True
            if batch := _taken(chunk, reply):
                yield batch
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    if has_come:
        yield [to_reply(reply)]


async def _read(model: Any, request: LLMRequest, hear: Callable[[LLMChunk], None]) -> None:
    is_silent = True
    try:
        stream = model.complete_stream(request)
        async for chunk in await stream if inspect.isawaitable(stream) else stream:
            is_silent = False
            hear(chunk)
    except NotImplementedError:
        if not is_silent:
            raise


def _taken(chunk: LLMChunk, reply: LLMResponse) -> list[Chunk]:
    """Adds the chunk to the reply."""
    found: list[Chunk] = []
    if chunk.delta:
        reply.content = (reply.content or "") + chunk.delta
        found.append(TextChunk(chunk.delta))
    if chunk.tool_call_delta:
        found += _taken_call(chunk.tool_call_delta, reply.tool_calls)
    if chunk.usage:
        reply.usage = chunk.usage
    return found


def _taken_call(delta: dict[str, Any], calls: list[dict[str, Any]]) -> list[Chunk]:
    """A name begins a call; arguments without one are more of the call with that id, or of the last."""
    function = delta.get("function") or {}
    name, arguments = function.get("name"), function.get("arguments") or ""
    found: list[Chunk] = []
    if name:
        calls.append({"id": delta.get("id") or f"call_{len(calls) + 1}", "function": {"name": name, "arguments": ""}})
        found.append(CallStart(calls[-1]["id"], name))
    call = next((call for call in reversed(calls) if delta.get("id") in (None, call["id"])), None)
    if call and arguments:
        call["function"]["arguments"] += arguments
        found.append(CallArguments(call["id"], arguments))
    return found
