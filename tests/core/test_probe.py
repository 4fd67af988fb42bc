"""What a probe shows of an endpoint, and what later runs make of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentrouted.core.agent.runs import Runs
from agentrouted.core.config.environment import Environment
from agentrouted.core.errors import BudgetExceeded, ModelMissing, ProviderTimeout
from agentrouted.core.host import SilentHost
from agentrouted.core.models.probe import probe
from agentrouted.core.profiles import Value
from agentrouted.core.routing.resolve import resolve
from agentrouted.core.services import Services, open_services
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.routing import ModelProbeParams, ModelProbeResult
from agentrouted_protocol.runs import RunAgentParams

TALK = Reply.text("One", " two", " three")
CALL = Reply.tool_call("report", {"number": 7})
HELD = Reply.text('{"animal": "heron"}')
CITY = {"title": "City", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@asynccontextmanager
async def services(home: Path, config: str = "") -> AsyncIterator[Services]:
    (home / ".agentroute").mkdir(exist_ok=True)
    (home / ".agentroute/config.yaml").write_text(config)
    async with open_services(Environment({"XDG_RUNTIME_DIR": str(home)}, home, home)) as opened:
        yield opened


async def probed(opened: Services, upstream: Upstream, timeout: float = 20.0) -> ModelProbeResult:
    return await probe(opened, ModelProbeParams(model=f"{upstream.url}/m", timeout=timeout))


async def known(opened: Services) -> dict[str, Value]:
    """The profile of the only endpoint there is."""
    ((_, findings),) = (await opened.profiles.all()).items()
    return {name: finding.value for name, finding in findings.items()}


def shown(result: ModelProbeResult) -> tuple[bool, ...]:
    return result.streaming, result.tools, result.json_schema, result.usage


async def test_what_an_endpoint_did_is_the_answer_and_its_profile(tmp_path: Path) -> None:
    async with Upstream([TALK, CALL, HELD]) as upstream, services(tmp_path) as opened:
        result = await probed(opened, upstream)
        assert shown(result) == (True, True, True, True)
        assert (result.spent.model_calls, result.spent.input_tokens) == (3, 30)
        assert set(result.evidence) == {"streaming", "tools", "jsonSchema", "usage"}
        assert await known(opened) == dict.fromkeys(("streaming", "supports_tools", "json_schema", "usage"), True)
    talk, call, filled = (request.body for request in upstream.requests)
    assert max(body["max_tokens"] for body in (talk, call, filled)) <= 256
    assert call["tool_choice"] and filled["response_format"]["type"] == "json_schema"


async def test_what_an_endpoint_refuses_or_leaves_out_is_no(tmp_path: Path) -> None:
    no_tools = Reply.status(400, {"error": {"message": "tools are not supported"}})
    script = [Reply.text("One two", usage=None), no_tools, Reply.text("Hello!")]
    async with Upstream(script) as upstream, services(tmp_path) as opened:
        result = await probed(opened, upstream)
        assert shown(result) == (False, False, False, False)
        assert "tools are not supported" in result.evidence["tools"]
        found = await known(opened)
    assert (found["supports_tools"], found["json_schema"], found["output_mode"]) == (False, False, "prompted")


async def test_later_runs_go_by_what_was_found_also_after_a_restart(tmp_path: Path) -> None:
    async with Upstream([TALK, CALL, HELD, Reply.text('{"name": "Rome"}')]) as upstream:
        async with services(tmp_path) as opened:
            await probed(opened, upstream)
        async with services(tmp_path) as opened:
            runs = Runs(opened)
            params = RunAgentParams(model=f"{upstream.url}/m", prompt="Hi", output=CITY)
            assert (await runs.start(params, SilentHost()).result()).output == {"name": "Rome"}
            await runs.aclose()
    assert upstream.requests[-1].body["response_format"]["type"] == "json_schema"


async def test_what_was_known_before_is_looked_at_anew(tmp_path: Path) -> None:
    async with Upstream([TALK, CALL, HELD]) as upstream, services(tmp_path) as opened:
        await probed(opened, upstream)
        place = next(iter(await opened.profiles.all()))
        assert place.base_url == upstream.url
        upstream._script[:] = [TALK, CALL, Reply.text("Hello!")]
        await probed(opened, upstream)
        assert (await known(opened))["json_schema"] is False


async def test_a_model_that_made_no_call_may_yet_be_asked_with_tools(tmp_path: Path) -> None:
    async with Upstream([TALK, Reply.text("Seven."), HELD]) as upstream, services(tmp_path) as opened:
        result = await probed(opened, upstream)
        assert not result.tools and "Seven." in result.evidence["tools"]
        assert "supports_tools" not in await known(opened)


async def test_an_answer_that_was_cut_off_shows_nothing_of_schemas(tmp_path: Path) -> None:
    thinking = Reply.text("<think>Well, ", "they say", finish="length")
    async with Upstream([TALK, CALL, thinking]) as upstream, services(tmp_path) as opened:
        assert not (await probed(opened, upstream)).json_schema
        assert "json_schema" not in await known(opened)


async def test_an_endpoint_that_does_not_answer_at_all_is_the_usual_error(tmp_path: Path) -> None:
    missing = Reply.status(404, {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}})
    async with Upstream([missing]) as upstream, services(tmp_path) as opened:
        with pytest.raises(ModelMissing):
            await probed(opened, upstream)
        assert not await opened.profiles.all()


async def test_a_key_that_a_server_shows_is_not_evidence(tmp_path: Path) -> None:
    config = "providers: {acme: {api_base: '%s', api_key: my-own-word}}"
    refusal = Reply.status(400, {"error": {"message": "my-own-word takes no tools"}})
    script = [TALK, refusal, refusal, refusal, Reply.text("my-own-word")]
    async with Upstream(script) as upstream, services(tmp_path, config % upstream.url) as opened:
        result = await probe(opened, ModelProbeParams(model="acme/m"))
        kept = [finding.evidence for each in (await opened.profiles.all()).values() for finding in each.values()]
    assert "[key]" in result.evidence["tools"] and "[key]" in result.evidence["jsonSchema"]
    assert "my-own-word" not in "".join((*result.evidence.values(), *kept))


async def test_what_a_server_says_is_not_kept_whole(tmp_path: Path) -> None:
    refusal = Reply.status(400, {"error": {"message": "no tools " * 500}})
    async with Upstream([TALK, refusal, Reply.text("word " * 500)]) as upstream, services(tmp_path) as opened:
        result = await probed(opened, upstream)
    assert all(len(each) < 500 for each in result.evidence.values())


async def test_time_that_is_up_before_the_first_answer_is_an_error(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, services(tmp_path) as opened:
        with pytest.raises(ProviderTimeout):
            await probed(opened, upstream, timeout=0.2)


async def test_time_that_is_up_later_leaves_the_rest_open(tmp_path: Path) -> None:
    async with Upstream([TALK, Reply.silence()]) as upstream, services(tmp_path) as opened:
        result = await probed(opened, upstream, timeout=2.0)
        assert shown(result) == (True, False, False, True)
        assert set(await known(opened)) == {"streaming", "usage"}


async def test_a_rate_limit_in_between_shows_nothing(tmp_path: Path) -> None:
    async with Upstream([TALK, Reply.status(429), HELD]) as upstream, services(tmp_path) as opened:
        assert "could not be tried" in (await probed(opened, upstream)).evidence["tools"]
        assert "supports_tools" not in await known(opened)


@pytest.mark.parametrize("local", [True, False])
async def test_a_fault_of_a_server_is_a_refusal_only_on_this_machine(tmp_path: Path, local: bool) -> None:
    config = f"providers: {{acme: {{api_base: '%s', local: {str(local).lower()}}}}}"
    script = [TALK, Reply.status(500), Reply.status(501)]
    async with Upstream(script) as upstream, services(tmp_path, config % upstream.url) as opened:
        result = await probe(opened, ModelProbeParams(model="acme/m"))
        found = await known(opened)
    refused = {"supports_tools": False, "json_schema": False, "output_mode": "prompted"}
    assert found == {"streaming": True, "usage": True, **(refused if local else {})}
    assert local or all("could not be tried" in result.evidence[name] for name in ("tools", "jsonSchema"))


async def test_a_probe_that_is_cancelled_hangs_up(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, services(tmp_path) as opened:
        probing = asyncio.create_task(probed(opened, upstream))
        request = await upstream.received()
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        await request.closed_early.wait()


async def test_the_calls_of_a_probe_are_in_the_ledger_as_such(tmp_path: Path) -> None:
    config = "providers: {acme: {api_base: '%s', models: [{id: m, price: {input: 1, output: 2}}]}}"
    async with Upstream([TALK, CALL, HELD]) as upstream, services(tmp_path, config % upstream.url) as opened:
        result = await probe(opened, ModelProbeParams(model="acme/m"))
        database = await opened.database.get()
        await database.flush()
        rows = await database.read(
            lambda connection: connection.execute(
                "SELECT kind, status, cost_usd FROM calls JOIN usage_keys ON usage_keys.id = calls.keys"
            ).fetchall()
        )
    assert [row[:2] for row in rows] == [("probe", "ok")] * 3
    assert result.spent.total_cost_usd == pytest.approx(sum(row[2] for row in rows)) and rows[0][2] > 0


async def test_a_budget_that_is_used_up_refuses_a_probe(tmp_path: Path) -> None:
    config = """
    providers: {acme: {api_base: '%s', local: false, models: [{id: m, price: {input: 1, output: 2}}]}}
    budgets: {tiny: {usd: 0.00001, per: day}}
    """
    async with Upstream([TALK, CALL, HELD]) as upstream, services(tmp_path, config % upstream.url) as opened:
        with pytest.raises(BudgetExceeded):
            await probe(opened, ModelProbeParams(model="acme/m"))
    assert upstream.requests == []


async def test_of_a_chain_the_first_endpoint_is_asked(tmp_path: Path) -> None:
    config = "models: {fast: ['%s/m', ollama/other]}"
    async with Upstream([TALK, CALL, HELD]) as upstream, services(tmp_path, config % upstream.url) as opened:
        result = await probe(opened, ModelProbeParams(model="fast"))
    assert (result.model, result.route.model_id, result.route.base_url) == ("fast", "m", upstream.url)


async def test_a_boundary_keeps_a_probe_from_asking_beyond_it(tmp_path: Path) -> None:
    config = "models: {fast: {endpoints: ['http://models.example/v1/m', '%s/m'], boundary: local}}"
    async with Upstream([TALK, CALL, HELD]) as upstream, services(tmp_path, config % upstream.url) as opened:
        assert (await probe(opened, ModelProbeParams(model="fast"))).route.base_url == upstream.url


async def test_the_window_is_what_the_server_says(tmp_path: Path) -> None:
    models = {"/v1/models": Reply.json({"data": [{"id": "m", "max_model_len": 4096}]})}
    config = "providers: {acme: {api_base: '%s', local: false}}"
    async with Upstream([TALK, CALL, HELD], models=None, beside=models) as upstream:  # noqa: SIM117
        async with services(tmp_path, config % upstream.url) as opened:
            result = await probe(opened, ModelProbeParams(model="acme/m"))
            (endpoint,) = (each.endpoint for each in resolve(opened.config.current, "acme/m").endpoints)
            assert (await opened.connect(endpoint)).context_window == 4096
    assert result.context_window == 4096


@pytest.mark.model
async def test_the_demo_model_is_what_it_is(tmp_path: Path, demo_model: Path) -> None:
    async with services(tmp_path) as opened:
        result = await probe(opened, ModelProbeParams(model=f"local/{demo_model}"))
    assert (result.streaming, result.json_schema, result.usage) == (True, True, True)
    assert (result.context_window, result.spent.total_cost_usd) == (8192, 0.0)
    assert result.route.provider == "local"


NO_NAMED_CHOICE = Reply.status(400, {"error": "Invalid tool_choice type: 'object'. Supported: none, auto, required"})
NO_CHOICE = Reply.status(400, {"error": "tool_choice is not supported"})


@pytest.mark.parametrize(
    ("refusals", "known_as"),
    [
        ([NO_NAMED_CHOICE], {"quirks.names_tools": False}),
        ([NO_NAMED_CHOICE, NO_CHOICE], {"quirks.names_tools": False, "output_mode": "offered"}),
    ],
)
async def test_a_refusal_of_the_choice_is_none_of_tools(
    tmp_path: Path, refusals: list[Reply], known_as: dict[str, Value]
) -> None:
    async with Upstream([TALK, *refusals, CALL, Reply.text("Hello!")]) as upstream, services(tmp_path) as opened:
        assert (await probed(opened, upstream)).tools
        assert known_as.items() <= (await known(opened)).items()


async def test_where_every_choice_is_refused_nothing_is_known_of_tools(tmp_path: Path) -> None:
    async with Upstream([TALK, NO_CHOICE, NO_CHOICE, NO_CHOICE, HELD]) as upstream, services(tmp_path) as opened:
        assert not (await probed(opened, upstream)).tools
        assert "supports_tools" not in await known(opened)


async def test_a_parameter_that_is_called_otherwise_is_found_out(tmp_path: Path) -> None:
    refusal = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    renamed = Reply.status(400, {"error": {"message": refusal, "code": "unsupported_parameter"}})
    async with Upstream([renamed, TALK, CALL, HELD]) as upstream, services(tmp_path) as opened:
        assert shown(await probed(opened, upstream)) == (True, True, True, True)
        assert (await known(opened))["quirks.parameters.max_tokens"] == "max_completion_tokens"
    assert [("max_tokens" in each.body, "max_completion_tokens" in each.body) for each in upstream.requests] == [
        (True, False),
        *[(False, True)] * 3,
    ]
