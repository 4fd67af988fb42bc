"""An Ollama is spoken to in its own format, whatever stands in its place in OpenAI's."""

import asyncio

import pytest
from harness.wire import endpoint

from agentrouted.core.wire.better_wires import BetterWires
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.upstream import Reply, Upstream

VERSION = Reply.json({"version": "0.12.6"})


@pytest.mark.parametrize(
    ("answer", "wire"),
    [
        (VERSION, "ollama_chat"),
        (Reply.status(404), "chat_completions"),
        (Reply.json({"object": "list"}), "chat_completions"),
        (Reply.text("not what was asked"), "chat_completions"),
        (Reply.hang_up(), "chat_completions"),
    ],
)
async def test_what_a_server_answers_decides(http: HttpClient, answer: Reply, wire: str) -> None:
    async with Upstream(beside={"/api/version": answer}) as upstream:
        here = endpoint(upstream.url, better_wire="ollama_chat")
        assert await BetterWires().wire_of(here, http) == wire


async def test_a_server_that_is_down_is_left_to_the_call_itself(http: HttpClient) -> None:
    here = endpoint("http://127.0.0.1:9/v1", better_wire="ollama_chat")
    assert await BetterWires().wire_of(here, http) == "chat_completions"


async def test_nobody_is_asked_where_there_is_no_choice_and_others_only_once(http: HttpClient) -> None:
    async with Upstream([lambda request: VERSION]) as upstream:
        wires = BetterWires()
        assert await wires.wire_of(endpoint(upstream.url), http) == "chat_completions"
        assert upstream.requests == []
        for _ in range(3):
            assert await wires.wire_of(endpoint(upstream.url, better_wire="ollama_chat"), http) == "ollama_chat"
        assert [request.path for request in upstream.requests] == ["/api/version"]


async def test_many_first_calls_ask_one_question(http: HttpClient) -> None:
    async with Upstream([lambda request: VERSION]) as upstream:
        wires, here = BetterWires(), endpoint(upstream.url, better_wire="ollama_chat")
        assert set(await asyncio.gather(*(wires.wire_of(here, http) for _ in range(50)))) == {"ollama_chat"}
        assert len(upstream.requests) == 1


async def test_who_is_cancelled_while_asking_leaves_the_question_to_the_next(http: HttpClient) -> None:
    async with Upstream([lambda request: Reply.silence(), lambda request: VERSION]) as upstream:
        wires, here = BetterWires(), endpoint(upstream.url, better_wire="ollama_chat")
        first = asyncio.create_task(wires.wire_of(here, http))
        second = asyncio.create_task(wires.wire_of(here, http))
        await upstream.received()
        first.cancel()
        assert await second == "ollama_chat"
