"""What is learned of endpoints, kept, and used by later runs."""

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from harness.in_process import asked, runs
from harness.wire import endpoint

from agentrouted.core.errors import InvalidParams, ProviderError
from agentrouted.core.host import SilentHost
from agentrouted.core.profiles import Finding, Profiles, Value
from agentrouted.core.quirks.refused import refused_parameter
from agentrouted.core.storage.shared import SharedDatabase
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.errors import ProviderReply

HERE = "http://models.example/v1"
CITY = {"title": "City", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
ADD = {"name": "add", "inputSchema": {"type": "object"}}
NO_SCHEMA = Reply.status(400, {"error": {"message": "response_format is not supported"}})
NO_TOOLS = Reply.status(400, {"error": '"m" does not support tools'})


def probed(value: Value, age: float = 0.0) -> Finding:
    return Finding(value, "seen", "probe", time.time() - age)


async def test_what_was_found_is_laid_on_the_endpoint() -> None:
    profiles, plain = Profiles(), endpoint(HERE)
    await profiles.replace(plain, {"json_schema": probed(True), "usage": probed(True), "context_window": probed(4096)})
    laid = await profiles.laid_on(plain)
    assert (laid.json_schema, laid.context_window) == (True, 4096)
    assert await profiles.laid_on(endpoint(HERE, model_id="other")) == endpoint(HERE, model_id="other")
    assert await profiles.laid_on(endpoint(HERE, wire="responses")) == endpoint(HERE, wire="responses")


async def test_the_config_wins_over_what_was_found() -> None:
    profiles, configured = Profiles(), endpoint(HERE, json_schema=True, configured=frozenset({"json_schema"}))
    await profiles.replace(configured, {"json_schema": probed(False), "supports_tools": probed(False)})
    laid = await profiles.laid_on(configured)
    assert (laid.json_schema, laid.supports_tools) == (True, False)


async def test_the_window_of_a_server_here_is_asked_for_not_remembered() -> None:
    profiles, local = Profiles(), endpoint(HERE, local=True)
    await profiles.replace(local, {"context_window": probed(4096)})
    assert (await profiles.laid_on(local)).context_window is None


async def test_what_was_found_long_ago_does_not_hold_but_is_told() -> None:
    profiles, plain = Profiles(), endpoint(HERE)
    await profiles.replace(plain, {"json_schema": probed(True, age=90 * 86400.0)})
    assert not (await profiles.laid_on(plain)).json_schema
    assert set(await profiles.of(plain)) == {"json_schema"}


async def test_what_was_found_outlives_the_process_and_is_seen_by_others(tmp_path: Path) -> None:
    one, other = (SharedDatabase(tmp_path / "state.db") for _ in range(2))
    await Profiles(one).replace(endpoint(HERE), {"supports_tools": probed(False), "usage": probed(True)})
    profiles = Profiles(other)
    assert not (await profiles.laid_on(endpoint(HERE))).supports_tools
    ((place, findings),) = (await profiles.all()).items()
    assert (place.base_url, place.provider, place.model_id) == (HERE, "acme", "big-model")
    assert findings["usage"].evidence == "seen"
    await one.aclose()
    await other.aclose()


async def test_a_probe_replaces_all_that_was_known(tmp_path: Path) -> None:
    database = SharedDatabase(tmp_path / "state.db")
    profiles = Profiles(database)
    await profiles.learn(endpoint(HERE), "output_mode", "prompted", "refused")
    await profiles.replace(endpoint(HERE), {"usage": probed(True)})
    assert [set(findings) for findings in (await profiles.all()).values()] == [{"usage"}]
    await database.aclose()


async def test_without_a_database_it_is_known_as_long_as_the_process_lives(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    for database in (SharedDatabase(), SharedDatabase(tmp_path / "state.db")):
        profiles = Profiles(database)
        await profiles.learn(endpoint(HERE), "output_mode", "prompted", "refused")
        assert (await profiles.laid_on(endpoint(HERE))).output_mode == "prompted"
        assert len(await profiles.all()) == 1


async def test_a_way_to_structured_output_that_was_refused_is_not_tried_after_a_restart(tmp_path: Path) -> None:
    script = [NO_SCHEMA, Reply.text('{"name": "Rome"}'), Reply.text('{"name": "Oslo"}')]
    async with Upstream(script) as upstream:
        for _ in range(2):
            async with runs(tmp_path) as all_runs:
                await all_runs.start(asked(upstream, output=CITY), SilentHost()).result()
    assert len(upstream.requests) == 3
    assert "tools" not in upstream.requests[-1].body


async def test_a_model_that_refused_tools_is_not_asked_again_with_tools(tmp_path: Path) -> None:
    async with Upstream([NO_TOOLS, Reply.text("Hi")]) as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(ProviderError):
            await all_runs.start(asked(upstream, tools=[ADD]), SilentHost()).result()
        with pytest.raises(InvalidParams, match=f"models probe {upstream.url}/test-model"):
            await all_runs.start(asked(upstream, tools=[ADD]), SilentHost()).result()
        assert (await all_runs.start(asked(upstream), SilentHost()).result()).text == "Hi"
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("tools", [True, False])
async def test_the_config_says_whether_a_model_calls_tools(tmp_path: Path, tools: bool) -> None:
    async with Upstream([NO_TOOLS]) as upstream:
        model = f"{{id: m, tools: {str(tools).lower()}}}"
        config = f"providers: {{acme: {{api_base: '{upstream.url}', models: [{model}]}}}}"
        async with runs(tmp_path, config) as all_runs:
            for _ in range(2):
                with pytest.raises(ProviderError if tools else InvalidParams):
                    await all_runs.start(asked(upstream, model="acme/m", tools=[ADD]), SilentHost()).result()
    assert len(upstream.requests) == (2 if tools else 0)


async def test_two_processes_that_learn_leave_one_row_a_finding(tmp_path: Path) -> None:
    databases = [SharedDatabase(tmp_path / "state.db") for _ in range(2)]
    for database, mode in zip(databases, ("tool", "prompted"), strict=True):
        await Profiles(database).learn(endpoint(HERE), "output_mode", mode, "refused")
        await database.aclose()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        assert connection.execute("SELECT value FROM endpoint_findings").fetchall() == [('"prompted"',)]


async def test_what_two_processes_learn_at_the_same_time_is_all_kept(tmp_path: Path) -> None:
    databases = [SharedDatabase(tmp_path / "state.db") for _ in range(2)]
    one, other = (Profiles(database) for database in databases)
    await asyncio.gather(one.of(endpoint(HERE)), other.of(endpoint(HERE)))
    await one.learn(endpoint(HERE), "supports_tools", False, "refused")
    await other.learn(endpoint(HERE), "output_mode", "prompted", "refused")
    assert [set(findings) for findings in (await one.all()).values()] == [{"supports_tools", "output_mode"}]
    for database in databases:
        await database.aclose()


async def test_what_two_runs_learn_at_the_same_time_is_all_known(tmp_path: Path) -> None:
    database = SharedDatabase(tmp_path / "state.db")
    profiles = Profiles(database)
    findings: dict[str, Value] = {"supports_tools": False, "output_mode": "prompted"}
    await asyncio.gather(*(profiles.learn(endpoint(HERE), *found, "refused") for found in findings.items()))
    assert {name: each.value for name, each in (await profiles.of(endpoint(HERE))).items()} == findings
    await database.aclose()


SECRET = "the heron nests at dawn"


@pytest.mark.parametrize(
    ("refusal", "more", "evidence"),
    [
        ('"m" does not support tools', {"tools": [ADD]}, "a request with tools was refused (400)"),
        ("Unsupported parameter: 'seed'", {"sampling": {"seed": 1}}, "`seed` was refused (400)"),
        ("response_format is not supported", {"output": CITY}, "output by `tool` was refused (400)"),
    ],
)
async def test_what_a_provider_repeats_of_a_prompt_is_not_kept(
    tmp_path: Path, refusal: str, more: dict[str, Any], evidence: str
) -> None:
    said = Reply.status(400, {"error": {"message": f"{refusal}: {SECRET}"}})
    async with Upstream([said, Reply.text('{"name": "Rome"}')]) as upstream, runs(tmp_path) as all_runs:
        with contextlib.suppress(ProviderError):
            await all_runs.start(asked(upstream, prompt=SECRET, **more), SilentHost()).result()
        (findings,) = (await all_runs._services.profiles.all()).values()
    assert [each.evidence for each in findings.values()] == [evidence]


NO_SEED = Reply.status(400, {"error": {"message": "Unsupported parameter: 'seed' is not supported with this model."}})


async def test_a_parameter_that_is_refused_is_left_out_from_then_on(tmp_path: Path) -> None:
    async with Upstream([NO_SEED, Reply.text("Hi")]) as upstream:
        for _ in range(2):
            async with runs(tmp_path) as all_runs:
                params = asked(upstream, sampling={"seed": 1})
                assert (await all_runs.start(params, SilentHost()).result()).text == "Hi"
    assert ["seed" in request.body for request in upstream.requests] == [True, False, False]


async def test_a_parameter_that_the_config_wants_sent_is_sent_once_and_refused(tmp_path: Path) -> None:
    async with Upstream([NO_SEED]) as upstream:
        quirks = "quirks: {parameters: {seed: true}}"
        config = f"providers: {{acme: {{api_base: '{upstream.url}', {quirks}}}}}"
        async with runs(tmp_path, config) as all_runs:
            with pytest.raises(ProviderError):
                params = asked(upstream, model="acme/m", sampling={"seed": 1})
                await all_runs.start(params, SilentHost()).result()
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead.",
            ("max_tokens", "max_completion_tokens"),
        ),
        ("Unsupported value: 'temperature' does not support 0.2 with this model.", ("temperature", False)),
        ("Unrecognized request argument supplied: stream_options", ("stream_options", False)),
        ("property 'logit_bias' is unsupported", ("logit_bias", False)),
        ("Unsupported parameter: 'messages'", None),
        ("The model is busy", None),
    ],
)
def test_a_refusal_names_its_parameter(text: str, found: object) -> None:
    refusal = ProviderError("refused", provider=ProviderReply(name="acme", status=400, text=text))
    assert refused_parameter(refusal) == found
