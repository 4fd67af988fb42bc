"""The wire, with a scripted upstream at its end."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.base import Chunk, ModelReply, ModelRequest, ReasoningChunk, TextChunk
from agentrouted.core.wire.formats import FORMATS
from agentrouted.core.wire.http import HttpClient
from agentrouted_protocol.messages import Message

KEY = "sk-test-0123456789abcdef"


def endpoint(base_url: str, **changes: Any) -> Endpoint:
    plain = Endpoint("acme", "big-model", base_url, "chat_completions", local=False, api_key=SecretStr(KEY))
    return replace(plain, **changes)


def prompt(text: str = "Hi", **changes: Any) -> ModelRequest:
    return replace(ModelRequest(messages=[Message(role="user", content=text)]), **changes)


def talk(http: HttpClient, url: str, **changes: Any) -> AsyncGenerator[Sequence[Chunk], None]:
    """One call, as it comes, in the format that `wire` names."""
    asked = endpoint(url, **changes)
    return FORMATS[asked.wire](http).stream(asked, prompt())


async def batches(http: HttpClient, url: str, **changes: Any) -> list[Sequence[Chunk]]:
    """All that one call yields."""
    return [batch async for batch in talk(http, url, **changes)]


async def chunks(http: HttpClient, url: str, **changes: Any) -> list[Chunk]:
    return [chunk for batch in await batches(http, url, **changes) for chunk in batch]


async def answer(http: HttpClient, url: str, **changes: Any) -> ModelReply:
    """The reply of one call, after a look at whether its chunks say the same."""
    *parts, reply = await chunks(http, url, **changes)
    assert isinstance(reply, ModelReply)
    assert "".join(part.text for part in parts if isinstance(part, TextChunk)) == reply.text
    assert "".join(part.text for part in parts if isinstance(part, ReasoningChunk)) == reply.reasoning
    return reply


async def fault(http: HttpClient, url: str, **changes: Any) -> AgentroutedError:
    """The error that one call ends with."""
    try:
        await chunks(http, url, **changes)
    except AgentroutedError as error:
        return error
    raise AssertionError("no error")
