"""An endpoint that is busy is asked again, as it asks for, and in time."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs

from agentrouted.core.agent.retrying import LONGEST_WAIT, wait_before_again
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    AgentroutedError,
    ContextOverflow,
    ProviderAuth,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    QuotaExceeded,
    RateLimited,
    ResponseInvalid,
    ResponseTruncated,
)
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.errors import ProviderReply

HOSTED = Endpoint("acme", "m", "https://acme.example/v1", "chat_completions", local=False)
LOCAL = replace(HOSTED, local=True)


def failed(status: int) -> ProviderError:
    return ProviderError("failed", provider=ProviderReply(name="acme", status=status))


@pytest.mark.parametrize(
    ("error", "hosted", "local"),
    [
        (RateLimited("busy"), [True, True, False], [True, True, False]),
        (failed(503), [True, True, False], [True, True, False]),
        (failed(500), [True, True, False], [False]),
        (failed(400), [False], [False]),
        (ProviderUnreachable("gone"), [True, True, False], [True, False]),
        (ResponseTruncated("cut"), [True, True, False], [True, False]),
        (ResponseInvalid("empty"), [True, False], [True, False]),
        (ProviderTimeout("slow"), [False], [False]),
        (ProviderAuth("no key"), [False], [False]),
        (QuotaExceeded("no credit"), [False], [False]),
        (ContextOverflow("long"), [False], [False]),
    ],
)
def test_what_is_asked_again_and_how_often(error: AgentroutedError, hosted: list[bool], local: list[bool]) -> None:
    for endpoint, expected in ((HOSTED, hosted), (LOCAL, local)):
        waits = [wait_before_again(error, asked, endpoint) for asked in range(1, len(expected) + 1)]
        assert [wait is not None for wait in waits] == expected


def test_the_provider_says_how_long_within_reason() -> None:
    assert wait_before_again(RateLimited("busy", retry_after=7), 1, HOSTED) == 7
    assert wait_before_again(RateLimited("busy", retry_after=LONGEST_WAIT + 1), 1, HOSTED) is None


def test_waits_grow_and_are_spread() -> None:
    first = {wait_before_again(RateLimited("busy"), 1, HOSTED) for _ in range(50)}
    assert len(first) > 1 and all(wait is not None and 0.25 <= wait <= 0.5 for wait in first)
    second = wait_before_again(RateLimited("busy"), 2, HOSTED)
    assert second is not None and 0.5 <= second <= 1


BUSY = Reply.status(429, headers={"retry-after": "0"})


async def test_a_busy_endpoint_is_asked_again_and_each_try_is_told(tmp_path: Path) -> None:
    host = WritingHost()
    async with Upstream([BUSY, BUSY, Reply.text("Now.")]) as upstream, runs(tmp_path) as all_runs:
        assert (await all_runs.start(asked(upstream), host).result()).text == "Now."
    assert [event.attempt for event in host.events if event.kind == "retry"] == [1, 2]


@pytest.mark.parametrize("retries", [0, 1])
async def test_how_often_is_said_in_the_config(retries: int, tmp_path: Path) -> None:
    async with Upstream([BUSY]) as upstream:
        config = f"providers: {{here: {{api_base: '{upstream.url}', retries: {retries}}}}}"
        async with runs(tmp_path, config) as all_runs:
            params = asked(upstream).model_copy(update={"model": "here/m"})
            with pytest.raises(RateLimited):
                await all_runs.start(params, WritingHost()).result()
    assert len(upstream.requests) == retries + 1


async def test_the_next_endpoint_is_asked_when_this_one_stays_busy(tmp_path: Path) -> None:
    async with Upstream([BUSY]) as busy, Upstream() as free:
        config = f"models: {{fast: ['{busy.url}/m', '{free.url}/m']}}"
        async with runs(tmp_path, config) as all_runs:
            params = asked(busy).model_copy(update={"model": "fast"})
            assert (await all_runs.start(params, WritingHost()).result()).text == "Hello world"
    assert (len(busy.requests), len(free.requests)) == (3, 1)


async def test_a_run_that_waits_to_ask_again_ends_at_once_when_it_is_cancelled(tmp_path: Path) -> None:
    class Impatient(WritingHost):
        def emit(self, event: object) -> None:
            super().emit(event)  # type: ignore[arg-type]  # what comes is an event
            if self.kinds[-1] == "retry":
                run.cancel()

    busy = Reply.status(429, headers={"retry-after": "29"})
    async with Upstream([busy]) as upstream, runs(tmp_path) as all_runs:
        run = all_runs.start(asked(upstream), Impatient())
        assert (await run.result()).stop_reason == "cancelled"
    assert len(upstream.requests) == 1
