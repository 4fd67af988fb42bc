"""Which endpoint of a chain a run asks, and which not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import lasting_runs, runs

from agentrouted.core.agent.runs import Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import GuardrailBlocked, ProviderAuth, ProviderError, RateLimited
from agentrouted.core.health import FAULTS
from agentrouted.core.host import SilentHost
from agentrouted.core.journal.volatile import VolatileJournal
from agentrouted.core.routing.candidates import as_told
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import open_services
from agentrouted.core.usage.call import Caller
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.runs import RunAgentParams, RunResult


def providers(*upstreams: Upstream, more: str = "") -> str:
    """`a`, `b`, … as if they were elsewhere."""
    rows = [
        f"  {name}: {{api_base: {each.url}, api_key: k-{name}, local: false, retries: 0{more}}}"
        for name, each in zip("abc", upstreams, strict=False)
    ]
    return "\n".join(["providers:", *rows, ""])


async def run(all_runs: Runs, **params: Any) -> RunResult:
    asked = RunAgentParams.model_validate({"model": "x", "prompt": "Hi", **params})
    return await all_runs.start(asked, SilentHost(), caller=Caller(folders=("/home/me/secret/src",))).result()


async def answers(all_runs: Runs, times: int, **params: Any) -> list[str]:
    return [result.route.provider for _ in range(times) if (result := await run(all_runs, **params)).route]


def soon() -> asyncio.Event:
    """Set in a tenth of a second."""
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, event.set)
    return event


async def test_the_cheapest_is_asked_and_the_next_if_it_fails(tmp_path: Path) -> None:
    price = ", models: [{id: m, price: {input: %s, output: 5}}]"
    async with Upstream() as dear, Upstream([Reply.text("ok"), Reply.status(500)]) as cheap:
        rows = providers(dear, more=price % 2).splitlines() + providers(dear, cheap, more=price % 1).splitlines()[2:]
        config = "\n".join([*rows, "models: {x: {endpoints: [a/m, b/m], strategy: cheapest}}"])
        async with runs(tmp_path, config) as all_runs:
            assert await answers(all_runs, 2) == ["b", "a"]


async def test_the_fastest_is_found_by_asking_all(tmp_path: Path) -> None:
    async with Upstream([lambda asked: Reply.text("late").held(soon())]) as slow, Upstream() as quick:
        config = providers(slow, quick) + "models: {x: {endpoints: [a/m, b/m], strategy: fastest}}"
        async with runs(tmp_path, config) as all_runs:
            assert await answers(all_runs, 4) == ["a", "b", "b", "b"]


async def test_balance_asks_all_of_them(tmp_path: Path) -> None:
    async with Upstream() as one, Upstream() as other:
        config = providers(one, other) + "models: {x: {endpoints: [a/m, b/m], strategy: balance}}"
        async with runs(tmp_path, config) as all_runs:
            assert set(await answers(all_runs, 20)) == {"a", "b"}


async def test_who_fails_too_often_is_asked_last(tmp_path: Path) -> None:
    async with Upstream([Reply.status(500)]) as broken, Upstream() as well:
        async with runs(tmp_path, providers(broken, well) + "models: {x: [a/m, b/m]}") as all_runs:
            assert await answers(all_runs, FAULTS + 3) == ["b"] * (FAULTS + 3)
        assert len(broken.requests) == FAULTS


async def test_if_nobody_else_is_left_even_a_broken_one_is_asked(tmp_path: Path) -> None:
    script = [Reply.status(500)] * FAULTS + [Reply.text("back")]
    async with Upstream(script) as broken, runs(tmp_path, providers(broken) + "models: {x: a/m}") as all_runs:
        for _ in range(FAULTS):
            with pytest.raises(ProviderError):
                await run(all_runs)
        assert await answers(all_runs, 1) == ["a"]


async def test_who_asks_for_a_pause_gets_it_while_another_answers(tmp_path: Path) -> None:
    busy = Reply.status(429, headers={"Retry-After": "60"})
    async with Upstream([busy]) as first, Upstream() as second:
        async with runs(tmp_path, providers(first, second) + "models: {x: [a/m, b/m]}") as all_runs:
            assert await answers(all_runs, 3) == ["b"] * 3
        assert len(first.requests) == 1


@pytest.mark.parametrize("chain", ["[a/m, b/m]", "[a/m, a/other, b/m]"])
async def test_a_wrong_key_is_not_hidden_by_another_endpoint_neither_at_once_nor_later(
    chain: str, tmp_path: Path
) -> None:
    async with Upstream([Reply.status(401)] * 2) as first, Upstream() as second:
        async with runs(tmp_path, providers(first, second) + f"models: {{x: {chain}}}") as all_runs:
            for _ in range(2):
                with pytest.raises(ProviderAuth):
                    await run(all_runs)
        assert (len(first.requests), second.requests) == (2, [])


BOUND = "models: {{x: {{endpoints: [a/m, '{local}/m']{more}}}}}\nagents: {{inside: {{model: x, boundary: local}}}}\n"


@pytest.mark.parametrize("where", ["run", "agent", "model", "daemon", "workspace"])
async def test_within_a_boundary_nothing_leaves_this_machine(where: str, tmp_path: Path) -> None:
    async with Upstream() as cloud, Upstream() as here:
        more = ", boundary: local" if where == "model" else ""
        rest = {
            "daemon": "daemon: {limits: {boundary: local}}\n",
            "workspace": "workspaces: {'/home/*/secret': {boundary: local}}\n",
        }.get(where, "")
        said: dict[str, dict[str, Any]] = {"run": {"boundary": "local"}, "agent": {"agent": "inside", "model": None}}
        async with runs(tmp_path, providers(cloud) + BOUND.format(local=here.url, more=more) + rest) as all_runs:
            result = await run(all_runs, **said.get(where, {}))
            assert result.route and result.route.local
        assert cloud.requests == []


async def test_what_a_boundary_has_kept_from_happening_is_said(tmp_path: Path) -> None:
    async with Upstream() as cloud:
        async with runs(tmp_path, providers(cloud) + "models: {x: a/m}") as all_runs:
            with pytest.raises(GuardrailBlocked, match=f"a/m at {cloud.url}") as caught:
                await run(all_runs, boundary="local")
        assert caught.value.details == {"rule": "boundary: local"} and cloud.requests == []


async def test_free_is_what_is_known_to_cost_nothing(tmp_path: Path) -> None:
    price = ", models: [{id: m, price: {input: 0, output: 0}}]"
    async with Upstream() as unknown, Upstream() as free:
        config = providers(unknown) + "\n".join(providers(unknown, free, more=price).splitlines()[2:])
        async with runs(tmp_path, f"{config}\nmodels: {{x: [a/m, b/m]}}") as all_runs:
            assert await answers(all_runs, 1, boundary="free") == ["b"]
        assert unknown.requests == []


async def test_agents_that_are_called_keep_within_the_boundary_of_their_caller(tmp_path: Path) -> None:
    call = Reply.tool_call("helper", {"prompt": "Help"})
    async with Upstream() as cloud, Upstream([call, Reply.text("Done.")]) as here:
        config = providers(cloud) + f"models: {{x: '{here.url}/m'}}\nagents: {{helper: {{model: a/m}}}}\n"
        async with runs(tmp_path, config) as all_runs:
            result = await run(all_runs, agents=["helper"], boundary="local")
        told = [message.content for message in result.messages if message.role == "tool"]
        assert "boundary" in str(told) and cloud.requests == []


async def test_a_server_of_tools_that_is_elsewhere_is_not_used_within_the_boundary(tmp_path: Path) -> None:
    async with Upstream() as here:
        config = f"models: {{x: '{here.url}/m'}}\nmcp_servers: {{far: {{url: 'https://tools.example/mcp'}}}}\n"
        async with runs(tmp_path, config) as all_runs:
            with pytest.raises(GuardrailBlocked, match=r"`far`: tools\.example"):
                await run(all_runs, mcp_servers=["far"], boundary="local")
        assert here.requests == []


async def test_a_summary_keeps_within_the_boundary_too(tmp_path: Path) -> None:
    said = [{"role": role, "content": "word " * 50} for role in ("user", "assistant")] * 6
    async with Upstream() as cloud, Upstream() as here:
        config = providers(cloud) + f"models: {{x: '{here.url}/m'}}\n"
        history = {"strategy": "summarize", "model": "a/m", "keepRecent": 1}
        async with runs(tmp_path, config) as all_runs:
            with pytest.raises(GuardrailBlocked):
                await run(all_runs, messages=said, history=history, boundary="local")
        assert cloud.requests == []


async def test_the_boundary_of_the_model_of_a_summary_holds(tmp_path: Path) -> None:
    said = [{"role": role, "content": "word " * 50} for role in ("user", "assistant")] * 6
    async with Upstream() as cloud, Upstream() as here:
        short = "short: {endpoints: [a/m], boundary: local}"
        config = providers(cloud) + f"models: {{x: '{here.url}/m', {short}}}\n"
        history = {"strategy": "summarize", "model": "short", "keepRecent": 1}
        async with runs(tmp_path, config) as all_runs:
            with pytest.raises(GuardrailBlocked):
                await run(all_runs, messages=said, history=history)
        assert cloud.requests == []


async def test_the_next_is_asked_for_a_summary_too(tmp_path: Path) -> None:
    said = [{"role": role, "content": "word " * 50} for role in ("user", "assistant")] * 6
    async with Upstream([Reply.status(503)]) as broken, Upstream() as well, Upstream() as here:
        config = providers(broken, well) + f"models: {{x: '{here.url}/m', short: [a/m, b/m]}}\n"
        history = {"strategy": "summarize", "model": "short", "keepRecent": 1}
        async with runs(tmp_path, config) as all_runs:
            await run(all_runs, messages=said, history=history)
        assert len(well.requests) == 1


async def test_a_limit_is_said_when_all_have_failed(tmp_path: Path) -> None:
    busy = Reply.status(429, headers={"Retry-After": "60"})
    async with Upstream([Reply.status(500)]) as first, Upstream([busy]) as second:
        async with runs(tmp_path, providers(first, second) + "models: {x: [a/m, b/m]}") as all_runs:
            host = WritingHost()
            with pytest.raises(RateLimited):
                await all_runs.start(RunAgentParams(model="x", prompt="Hi"), host).result()
        assert host.kinds.count("fallback") == 1


async def test_a_route_is_told_as_runs_begin_with_it(tmp_path: Path) -> None:
    config = """
models:
  cheap: {endpoints: [anthropic/claude-sonnet-4, openai/gpt-4o-mini, of/nobody, ollama/m], strategy: cheapest}
  kept: {endpoints: [gpt-4o, ollama/m], boundary: local}
"""
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text(config)
    async with open_services(Environment({}, tmp_path, tmp_path)) as services:
        found = [resolve(services.config.current, name) for name in ("cheap", "kept")]
        await services.prices.load(each.endpoint for each in found[0].endpoints)
        cheap, kept = (as_told(each, None, services.prices).to_route() for each in found)
    assert cheap.model_id == "m" and cheap.price and cheap.price.input == 0
    assert [each.model_id for each in cheap.fallbacks] == [
        "openai/gpt-4o-mini",
        "anthropic/claude-sonnet-4",
        "of/nobody",
    ]
    assert kept.model_id == "m" and kept.fallbacks == []


async def test_whoever_goes_on_with_a_run_keeps_within_its_boundary(tmp_path: Path) -> None:
    async def journal() -> VolatileJournal:
        return VolatileJournal("a test")

    async with Upstream() as here:
        config = f"models: {{x: '{here.url}/m'}}\nworkspaces: {{'/home/me/secret': {{boundary: local}}}}\n"
        async with runs(tmp_path, config, journal) as all_runs:
            stored = await all_runs.stored((await run(all_runs)).run_id)
    assert stored.record.params["boundary"] == "local"


async def test_who_asks_for_the_same_run_again_keeps_within_its_boundary_too(tmp_path: Path) -> None:
    secret = "workspaces: {'/home/me/secret': {boundary: local}}\n"
    asked = RunAgentParams(model="x", prompt="Hi", run_id="r", on_disconnect="continue")
    async with Upstream([Reply.silence()]) as here, Upstream() as cloud:
        async with lasting_runs(tmp_path, f"models: {{x: '{here.url}/m'}}\n{secret}") as all_runs:
            all_runs.start(asked, SilentHost(), caller=Caller(folders=("/home/me/secret",)))
            await here.received()
        async with lasting_runs(tmp_path, providers(cloud) + "models: {x: a/m}\n") as all_runs:
            with pytest.raises(GuardrailBlocked):
                await all_runs.start(asked, SilentHost()).result()
        assert cloud.requests == []


async def test_a_boundary_keeps_runs_from_an_ollama_of_another_machine(tmp_path: Path) -> None:
    environment = Environment({"OLLAMA_HOST": "gpu-box"}, tmp_path, tmp_path)
    async with open_services(environment) as services:
        all_runs = Runs(services)
        with pytest.raises(GuardrailBlocked, match="gpu-box"):
            await all_runs.start(
                RunAgentParams(model="ollama/m", prompt="Hi", boundary="local"), WritingHost()
            ).result()
        await all_runs.aclose()
