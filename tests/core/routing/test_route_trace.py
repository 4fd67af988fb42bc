"""A route says how it came about."""

import pytest
from harness.routes import OPENROUTER_KEY, World

from agentrouted.core.config.snapshot import Snapshot
from agentrouted.core.routing.chains import RULES
from agentrouted.core.routing.resolve import resolve
from agentrouted_protocol.config import Problem
from agentrouted_protocol.routing import Route

CONFIG = "{api_base: 'https://llm.lan/v1', models: {fast: [ollama/m, gpt-4o], 'x-*': ollama/m}}"


@pytest.mark.parametrize("model", ["fast", "http://h/v1/m", "ollama/m", "x-1", "gpt-4o"])
def test_a_trace_names_every_rule_that_was_looked_at_and_ends_with_the_one_taken(model: str) -> None:
    resolution = World(OPENROUTER_KEY, CONFIG).resolve(model)
    names = [name for name, _ in RULES]
    looked_at = [step for step in resolution.trace if step.step in names]
    assert [step.step for step in looked_at] == names[: names.index(resolution.rule) + 1]
    assert [step.outcome for step in looked_at] == ["skipped"] * (len(looked_at) - 1) + ["taken"]
    assert resolution.trace[-1] == looked_at[-1]
    assert all(step.why for step in resolution.trace)


def test_a_trace_says_where_the_address_and_the_key_come_from() -> None:
    trace = World({"OLLAMA_HOST": "gpu-box", "OLLAMA_API_KEY": "k"}).resolve("ollama/m").trace
    assert [(step.step, step.outcome) for step in trace[2:]] == [
        ("base", "found"),
        ("key", "found"),
        ("provider", "taken"),
    ]
    assert "OLLAMA_HOST" in trace[2].why
    assert "OLLAMA_API_KEY" in trace[3].why


def test_a_missing_key_is_a_step_of_the_trace() -> None:
    outcomes = {step.step: step.outcome for step in World().resolve("gpt-4o").trace}
    assert outcomes["key"] == "missing"


def test_a_chain_has_the_steps_of_each_endpoint() -> None:
    steps = [step.step for step in World({}, CONFIG).resolve("fast").trace]
    assert steps == [*["endpoint", "base", "key"] * 2, "virtualModel"]


def test_a_route_is_what_the_contract_says() -> None:
    route = World(OPENROUTER_KEY, CONFIG).resolve("fast").to_route()
    wire = route.to_wire()
    assert Route.model_validate(wire) == route
    assert (wire["rule"], wire["configGeneration"], len(wire["fallbacks"])) == ("virtualModel", 1, 1)


def test_a_broken_config_is_told_and_leaves_local_work_alone() -> None:
    problems = (Problem(message="`providers.x` is unknown"), Problem(message="a line is left out", severity="warning"))
    defaults = Snapshot.defaults({})
    snapshot = Snapshot(0, defaults.config, {}, problems=problems)
    resolution = resolve(snapshot, "ollama/llama3")
    assert (resolution.rule, resolution.generation) == ("provider", 0)
    assert len(resolution.warnings) == 1
    assert "`providers.x` is unknown" in resolution.warnings[0]


def test_the_strategy_and_the_boundary_of_a_chain_are_told() -> None:
    config = "models: {x: {endpoints: [ollama/a, gpt-4o], strategy: fastest, boundary: local, hedge_after: 2}}"
    told = {step.step: step.why for step in World({}, config).resolve("x").trace}
    assert told["strategy"].startswith("`fastest`") and told["boundary"].startswith("`local`")
    assert "2 s" in told["hedge"]
