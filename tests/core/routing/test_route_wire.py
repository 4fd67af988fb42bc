"""Which format a model is spoken to in, as far as that can be said without the network."""

import pytest
from harness.routes import World

CONFIG = "providers: {{ollama: {{api_protocol: {protocol}, keep_alive: 5m, models: [{{id: m, think: low}}]}}}}"


@pytest.mark.parametrize(
    ("model", "config", "wires"),
    [
        ("ollama/m", "", ("chat_completions", "ollama_chat")),
        ("ollama/m", CONFIG.format(protocol=""), ("chat_completions", "ollama_chat")),
        ("ollama/m", CONFIG.format(protocol="openai"), ("chat_completions", None)),
        ("ollama/m", CONFIG.format(protocol="ollama"), ("ollama_chat", None)),
        ("ollama/m", CONFIG.format(protocol="[{'other': openai}]"), ("chat_completions", "ollama_chat")),
        ("vllm/m", "", ("chat_completions", None)),
        ("http://localhost:11434/v1/m", "", ("chat_completions", None)),
    ],
)
def test_a_better_format_is_named_where_there_may_be_one(
    model: str, config: str, wires: tuple[str, str | None]
) -> None:
    resolution = World(config=config).resolve(model)
    endpoint = resolution.endpoints[0].endpoint
    assert (endpoint.wire, endpoint.better_wire) == wires
    assert any("ollama_chat" in step.why for step in resolution.trace) is (wires[1] is not None)


def test_what_is_known_of_a_model_comes_with_its_endpoint() -> None:
    endpoint = World(config=CONFIG.format(protocol="")).resolve("ollama/m").endpoints[0].endpoint
    assert (endpoint.think, endpoint.keep_alive) == ("low", "5m")
