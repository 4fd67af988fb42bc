"""Runs whose keys are fetched, and runs with several accounts."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import runs
from harness.keyrings import Entries, keyring_in_use

from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import AgentroutedError
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.runs import RunAgentParams, RunResult

# Counts its calls in a file: the first key is `key-1`, the second `key-2`.
COUNTING = "echo >> {home}/count; echo key-$(grep -c '' {home}/count)"


def provider(upstream: Upstream, api_key: str, more: str = "") -> str:
    return f"providers: {{acme: {{api_base: '{upstream.url}', local: false, retries: 0, {more} {api_key}}}}}"


def counting(home: Path, more: str = "") -> str:
    return f'api_key: {{command: [sh, -c, "{COUNTING.format(home=home)}"], {more}}}'


def accounts(**keys: str) -> str:
    return f"accounts: {{{', '.join(f'{name}: {key}' for name, key in keys.items())}}}"


async def run(all_runs: Runs, host: WritingHost | None = None, **more: Any) -> RunResult:
    params = RunAgentParams.model_validate({"model": "acme/m", "prompt": "Hi", **more})
    return await all_runs.start(params, host or WritingHost()).result()


def keys_of(upstream: Upstream) -> list[str]:
    return [request.headers.get("authorization", "").removeprefix("Bearer ") for request in upstream.requests]


def takes(*keys: str) -> Any:
    """A server that knows these keys only, and says so of the others in full."""

    def reply(request: Received) -> Reply:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        return Reply.text("Hello") if key in keys else Reply.status(401, f"invalid api key: {key}")

    return reply


async def test_a_command_gives_the_key_once_for_many_runs(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, provider(upstream, counting(tmp_path))) as all_runs:
        results = await asyncio.gather(*(run(all_runs) for _ in range(20)))
        results.append(await run(all_runs))
        assert {result.text for result in results} == {"Hello world"}
        assert (len(upstream.requests), set(keys_of(upstream))) == (21, {"key-1"})


async def test_an_old_key_is_fetched_anew(tmp_path: Path) -> None:
    config = counting(tmp_path, "refresh: 0.000001")
    async with Upstream() as upstream, runs(tmp_path, provider(upstream, config)) as all_runs:
        await run(all_runs)
        await run(all_runs)
        assert keys_of(upstream) == ["key-1", "key-2"]


async def test_a_key_that_is_refused_is_fetched_anew_once(tmp_path: Path) -> None:
    host = WritingHost()
    async with Upstream([takes("key-2")]) as upstream:
        async with runs(tmp_path, provider(upstream, counting(tmp_path))) as all_runs:
            assert (await run(all_runs, host)).text == "Hello"
            await run(all_runs)
        assert keys_of(upstream) == ["key-1", "key-2", "key-2"]
    assert "retry" in host.kinds


async def test_a_key_that_stays_refused_is_an_error_that_does_not_show_it(tmp_path: Path) -> None:
    async with Upstream([takes()]) as upstream, runs(tmp_path, provider(upstream, counting(tmp_path))) as all_runs:
        host = WritingHost()
        with pytest.raises(AgentroutedError) as caught:
            await run(all_runs, host)
        assert keys_of(upstream) == ["key-1", "key-2"]
    assert caught.value.kind == "providerAuth"
    told = f"{caught.value.message}{caught.value.hint}{caught.value.provider}{host.events}"
    assert "[key]" in told and "key-1" not in told and "key-2" not in told


async def test_a_plain_key_that_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    async with Upstream([takes()]) as upstream, runs(tmp_path, provider(upstream, "api_key: k-0")) as all_runs:
        with pytest.raises(AgentroutedError):
            await run(all_runs)
        assert keys_of(upstream) == ["k-0"]


@pytest.mark.parametrize(
    ("api_key", "said"),
    [
        ("{command: [sh, -c, 'echo not signed in >&2; exit 2']}", "`sh` ended with exit code 2: not signed in"),
        ("{command: [no-such-program]}", "`no-such-program` cannot be started"),
    ],
)
async def test_a_command_that_fails_is_told_and_nothing_is_sent(api_key: str, said: str, tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, provider(upstream, f"api_key: {api_key}")) as all_runs:
        with pytest.raises(AgentroutedError, match="acme") as caught:
            await run(all_runs)
        assert upstream.connections == 0
    assert (caught.value.kind, said in caught.value.message) == ("providerAuth", True)


async def test_a_key_in_the_keyring_is_sent(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path, provider(upstream, "api_key: {keyring: me/acme}")) as all_runs:
        with keyring_in_use(Entries({})), pytest.raises(AgentroutedError, match="acme") as caught:
            await run(all_runs)
        assert (caught.value.kind, upstream.connections) == ("providerAuth", 0)
        with keyring_in_use(Entries({("me", "acme"): "k-keyring"})):
            result = await run(all_runs)
        assert keys_of(upstream) == ["k-keyring"]
        assert result.route and result.route.auth.source == "keyring"


REFUSALS = {
    "401": Reply.status(401, "bad key"),
    "402": Reply.status(402, "no credit"),
    "403": Reply.status(403, "not yours"),
    "429": Reply.status(429, "slow down"),
    "quota": Reply.status(429, '{"error": {"code": "insufficient_quota", "message": "you exceeded your quota"}}'),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_where_one_account_is_refused_the_next_is_asked(refusal: Reply, tmp_path: Path) -> None:
    config, host = accounts(work="k-work", private="k-private"), WritingHost()
    async with Upstream([refusal, Reply.text("Hello")]) as upstream:
        async with runs(tmp_path, provider(upstream, config)) as all_runs:
            result = await run(all_runs, host)
        assert keys_of(upstream) == ["k-work", "k-private"]
    assert result.route and result.route.auth.name == "providers.acme.accounts.private"
    assert "acme (work)" in next(event.reason for event in host.events if event.kind == "fallback")
    (fallback,) = [event for event in host.events if event.kind == "fallback"]
    assert (fallback.route.auth.name, fallback.crosses_boundary) == ("providers.acme.accounts.private", False)


async def test_an_account_whose_command_fails_is_passed_over(tmp_path: Path) -> None:
    config = accounts(work="{command: ['false']}", private="k-private")
    async with Upstream() as upstream, runs(tmp_path, provider(upstream, config)) as all_runs:
        assert (await run(all_runs)).text == "Hello world"
        assert keys_of(upstream) == ["k-private"]


async def test_where_all_accounts_are_refused_that_is_the_end(tmp_path: Path) -> None:
    config = accounts(work="k-work", private="k-private") + "}, other: {api_base: 'URL/v1', api_key: k-other"
    async with Upstream([takes()]) as upstream, Upstream() as other:
        chain = "\nmodels: {fast: [acme/m, other/m]}"
        text = provider(upstream, config).replace("URL/v1", other.url) + chain
        async with runs(tmp_path, text) as all_runs:
            with pytest.raises(AgentroutedError) as caught:
                await run(all_runs, model="fast")
        assert (keys_of(upstream), other.connections) == (["k-work", "k-private"], 0)
    assert caught.value.kind == "providerAuth"


async def test_an_exhausted_account_is_not_asked_again_in_the_same_run(tmp_path: Path) -> None:
    script = [REFUSALS["402"], Reply.tool_call("add", {}), Reply.text("Done")]
    async with Upstream(script) as upstream:
        config = provider(upstream, accounts(work="k-work", private="k-private"))
        async with runs(tmp_path, config) as all_runs:
            tools = [{"name": "add", "description": "", "inputSchema": {"type": "object"}}]
            await run(all_runs, WritingHost({"add": "3"}), tools=tools)
        assert keys_of(upstream) == ["k-work", "k-private", "k-private"]


async def test_keys_of_a_provider_go_to_its_own_address_only(tmp_path: Path) -> None:
    config = accounts(work="k-work", vault="{command: [touch, HOME/fetched]}").replace("HOME", str(tmp_path))
    async with Upstream() as upstream, Upstream() as elsewhere:
        async with runs(tmp_path, provider(upstream, config, "headers: {X-Team: t-secret},")) as all_runs:
            await run(all_runs, baseUrl=elsewhere.url)
            await run(all_runs, model=f"{elsewhere.url}/m")
        assert upstream.connections == 0
        assert all("k-work" not in str(request.headers) for request in elsewhere.requests)
        assert all("x-team" not in request.headers for request in elsewhere.requests)
    assert not (tmp_path / "fetched").exists()


async def test_a_redirect_to_another_host_does_not_carry_a_fetched_key(tmp_path: Path) -> None:
    async with Upstream() as elsewhere:
        away = Reply.status(307, headers={"location": f"{elsewhere.url}/chat/completions"})
        async with Upstream([away]) as upstream:
            async with runs(tmp_path, provider(upstream, counting(tmp_path))) as all_runs:
                with pytest.raises(AgentroutedError):
                    await run(all_runs)
            assert keys_of(upstream) == ["key-1"]
        assert elsewhere.connections == 0
