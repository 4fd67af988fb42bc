"""Answers of `resolveModel` that are kept, and for how long."""

import inspect
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentrouted.core.config.environment import Environment
from agentrouted.core.services import open_services
from agentrouted.server.routes import RouteCache
from agentrouted_protocol.routing import ResolveModelParams


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def routes(home: Path, clock: Clock) -> AsyncIterator[RouteCache]:
    async with open_services(Environment({}, home, home)) as services:
        yield RouteCache(services, clock)


def ask(cache: RouteCache, model: str, key: str | None = None) -> Any:
    return cache.resolve(ResolveModelParams(model=model, api_key=key), folders=(), asks_client=False)


async def test_only_the_first_model_elsewhere_is_waited_for(tmp_path: Path) -> None:
    async with routes(tmp_path, Clock()) as cache:
        assert isinstance(ask(cache, "ollama/llama3"), bytes)
        first = ask(cache, "openai/gpt-4o")
        assert inspect.iscoroutine(first) and json.loads(await first)["price"]["input"] > 0
        other = ask(cache, "anthropic/claude-sonnet-4")
        assert isinstance(other, bytes) and json.loads(other)["price"]["input"] > 0


async def test_an_answer_is_kept_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    async with routes(tmp_path, clock) as cache:
        answer = ask(cache, "ollama/llama3")
        assert ask(cache, "ollama/llama3") is answer
        clock.now += 61
        assert ask(cache, "ollama/llama3") is not answer


async def test_an_answer_to_a_key_is_not_kept(tmp_path: Path) -> None:
    async with routes(tmp_path, Clock()) as cache:
        answers = [json.loads(ask(cache, "ollama/llama3", key)) for key in ("sk-1234567890", None)]
        assert [answer["auth"]["source"] for answer in answers] == ["param", "placeholder"]
