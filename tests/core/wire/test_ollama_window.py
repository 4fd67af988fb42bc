"""How large a context Ollama is asked for: another one costs a load of the model."""

import asyncio
from typing import Any

import pytest
from harness.wire import endpoint, prompt

from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.ollama_window import OllamaWindows
from agentrouted.core.wire.windows import Windows
from agentrouted.testing import ollama
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.messages import ImagePart, Message

SHORT, LONG = "Hi", "word" * 6000  # 6000 tokens, and a quarter more for safety
NOTHING_KNOWN = {"/api/ps": Reply.status(404), "/api/show": Reply.status(404)}


@pytest.mark.parametrize(
    ("text", "known", "asked"),
    [
        (SHORT, ollama.beside(), None),
        (SHORT, ollama.beside(loaded=16384), 16384),
        (SHORT, NOTHING_KNOWN, None),
        (LONG, ollama.beside(), 16384),
        (LONG, ollama.beside(loaded=4096), 16384),
        (LONG, ollama.beside(loaded=32768), 32768),
        (LONG, ollama.beside(at_most=8192), 8192),
        (LONG, ollama.beside(loaded=8192, at_most=8192), 8192),
        (LONG, NOTHING_KNOWN, 16384),
    ],
)
async def test_what_is_loaded_stays_while_it_is_enough_and_then_is_doubled(
    http: HttpClient, text: str, known: dict[str, Any], asked: int | None
) -> None:
    async with Upstream(beside=known) as upstream:
        here = endpoint(upstream.url, wire="ollama_chat", model_id="test-model")
        assert await OllamaWindows(http).num_ctx(here, prompt(text)) == asked


async def test_the_reply_and_images_want_room_too(http: HttpClient) -> None:
    images = Message(role="user", content=[ImagePart(data="QUJD")] * 4)
    async with Upstream(beside=ollama.beside(loaded=4096)) as upstream:
        here = endpoint(upstream.url, wire="ollama_chat", model_id="test-model")
        assert await OllamaWindows(http).num_ctx(here, prompt(max_tokens=5000)) == 8192
        assert await OllamaWindows(http).num_ctx(here, prompt(messages=[images])) == 8192


async def test_what_the_config_says_holds_and_nobody_is_asked(http: HttpClient) -> None:
    nowhere = endpoint("http://nowhere.invalid/v1", wire="ollama_chat", context_window=12000)
    assert await OllamaWindows(http).num_ctx(nowhere, prompt(LONG)) == 12000


async def test_a_conversation_may_be_as_long_as_the_model_can_take_it(http: HttpClient) -> None:
    async with Upstream(beside=ollama.beside(loaded=4096, at_most=131072)) as upstream:
        here = endpoint(upstream.url, provider="ollama", model_id="test-model")
        windows = Windows()
        assert await windows.of(here, http) == 4096
        assert await windows.of(endpoint(upstream.url, wire="ollama_chat", model_id="test-model"), http) == 131072


async def test_many_calls_at_once_ask_once_and_a_short_one_does_not_shrink_it_again(http: HttpClient) -> None:
    async with Upstream([lambda request: Reply.status(404)]) as upstream:
        here = endpoint(upstream.url, wire="ollama_chat", model_id="test-model")
        windows = OllamaWindows(http)
        assert await asyncio.gather(*(windows.num_ctx(here, prompt(SHORT)) for _ in range(20))) == [None] * 20
        assert [request.path for request in upstream.requests] == ["/api/ps", "/api/show"]
        assert await windows.num_ctx(here, prompt(LONG)) == 16384
        assert await windows.num_ctx(here, prompt(SHORT)) == 16384
