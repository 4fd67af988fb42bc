"""The `llm` section of agentgateway."""

import pytest
from harness.imports import imported, route_of, told, world_of

ROUTED = """\
llm:
  port: 4000
  providers:
  - name: team
    provider: anthropic
    params: {model: claude-haiku, apiKey: $TEAM_KEY, baseUrl: "https://claude.example/v1"}
  models:
  - name: here
    provider: openAI
    params: {model: "qwen:7b", hostOverride: "localhost:11434"}
  - name: quick
    visibility: internal
    provider: groq
    params: {model: llama-70b, apiKey: "$GROQ_API_KEY"}
  - name: claude/*
    provider: {reference: team}
    params: {model: claude-opus}
  - name: mistral/*
    provider: mistral
    transformation: {model: 'llmRequest.model.stripPrefix("mistral/")'}
  virtualModels:
  - name: shared
    routing: {weighted: {targets: [{model: quick, weight: 3}, {model: mistral/small}]}}
  - name: safe
    routing: {failover: {targets: [{model: mistral/small, priority: 1}, {model: quick, priority: 0}]}}
"""


@pytest.mark.parametrize(
    ("model", "endpoints"),
    [
        ("here", ["http://localhost:11434/v1 qwen:7b"]),
        ("claude/any", ["https://claude.example/v1 claude-opus"]),
        ("safe", ["https://api.groq.com/openai/v1 llama-70b", "https://api.mistral.ai/v1 small"]),
    ],
)
def test_a_model_leads_where_it_led(model: str, endpoints: list[str]) -> None:
    assert route_of(ROUTED, model) == endpoints


@pytest.mark.parametrize(
    ("params", "base"),
    [
        ('{hostOverride: "localhost:9000"}', "http://localhost:9000/v1"),
        ('{hostOverride: "api.x.ai:443"}, backendTLS: {}', "https://api.x.ai/v1"),
        ('{hostOverride: "llm.example.com:8443"}, backendTLS: {}', "https://llm.example.com:8443/v1"),
        ('{hostOverride: "llm.example.com:80", pathPrefix: /api}', "http://llm.example.com:80/api"),
        (
            '{hostOverride: "api.groq.com:443", pathOverride: /openai/v1/chat/completions}, backendTLS: {}',
            "https://api.groq.com/openai/v1",
        ),
        ('{baseUrl: "http://127.0.0.1:7000/v2/"}', "http://127.0.0.1:7000/v2"),
        ("{}", "https://api.openai.com/v1"),
    ],
)
def test_an_address_is_read_as_the_gateway_reads_it(params: str, base: str) -> None:
    text = f'llm: {{models: [{{name: "*", provider: openAI, params: {params}}}]}}'
    assert route_of(text, "any") == [f"{base} any"]


def test_the_pattern_that_says_most_counts() -> None:
    text = """\
    llm:
      models:
      - {name: "*", provider: openAI}
      - {name: "*-mini", provider: groq}
      - {name: "gpt-*", provider: mistral}
      virtualModels:
      - name: safe
        routing: {failover: {targets: [{model: o4-mini, priority: 0}, {model: other, priority: 1}]}}
    """
    bases = {"o4-mini": "https://api.groq.com/openai/v1", "gpt-5": "https://api.mistral.ai/v1"}
    for model, base in bases.items():
        assert route_of(text, model) == [f"{base} {model}"]
    assert route_of(text, "safe") == ["https://api.groq.com/openai/v1 o4-mini", "https://api.openai.com/v1 other"]


def test_weights_and_visibility_are_kept() -> None:
    config = imported(ROUTED).document.data
    assert config["models"]["shared"] == {
        "strategy": "balance",
        "endpoints": [
            {"provider": "groq", "model": "llama-70b", "weight": 3},
            {"provider": "mistral", "model": "small", "weight": 1},
        ],
    }
    assert "quick" not in config["models"]


def test_what_is_sent_to_a_provider_is_its_own_key_and_format() -> None:
    endpoint = world_of(ROUTED, TEAM_KEY="k1", OPENAI_API_KEY="k2").resolve("claude/x").endpoints[0].endpoint
    assert endpoint.api_key
    assert (endpoint.api_key.get_secret_value(), endpoint.wire) == ("k1", "anthropic_messages")


def test_a_key_may_stand_under_auth() -> None:
    text = "llm: {models: [{name: m, provider: openAI, auth: {key: $MINE}}]}"
    key = world_of(text, MINE="k").resolve("m").endpoints[0].endpoint.api_key
    assert key
    assert key.get_secret_value() == "k"


def test_two_keys_at_one_vendor_are_two_providers() -> None:
    text = """\
    llm:
      models:
      - {name: mine, provider: openAI, params: {model: gpt-4o, apiKey: $MINE}}
      - {name: ours, provider: openai, params: {model: gpt-4o, apiKey: $OURS}}
      - {name: again, provider: openAI, params: {model: o4, apiKey: $MINE}}
    """
    world = world_of(text, MINE="m", OURS="o")
    keys = [world.resolve(name).endpoints[0].endpoint.api_key for name in ("mine", "ours", "again")]
    assert [key and key.get_secret_value() for key in keys] == ["m", "o", "m"]
    assert list(imported(text).document.data["providers"]) == ["openai", "openai-2"]


def test_what_cannot_be_done_is_told_with_its_line() -> None:
    text = """\
    llm:
      policies:
        cors: {allowOrigins: ["*"]}
      models:
      - name: mine
        provider: openAI
        params:
          apiKey: sk-written-out
        guardrails: {request: []}
        defaults: {temperature: 0}
      - name: theirs
        provider: bedrock
        params: {awsRegion: eu-central-1}
      virtualModels:
      - name: clever
        routing:
          conditional: {targets: [{model: mine}]}
    """
    reading = imported(text)
    assert told(reading, "exact") == [(5, "llm.models.0")]
    assert told(reading, "approximate") == [(8, "llm.models.0.params.apiKey")]
    assert told(reading, "unsupported") == [
        (2, "llm.policies"),
        (9, "llm.models.0.guardrails"),
        (10, "llm.models.0.defaults"),
        (11, "llm.models.1"),
        (15, "llm.virtualModels.0"),
    ]


def test_a_group_of_targets_of_one_priority_is_approximate() -> None:
    text = """\
    llm:
      models: [{name: a, provider: openAI}, {name: b, provider: groq}]
      virtualModels:
      - name: either
        routing: {failover: {targets: [{model: a, priority: 0}, {model: b, priority: 0}]}}
    """
    assert told(imported(text), "approximate") == [(4, "llm.virtualModels.0")]


def test_models_that_depend_on_headers_are_left_out() -> None:
    text = """\
    llm:
      models:
      - {name: a, provider: openAI, matches: [{headers: [{name: x, value: {exact: y}}]}]}
    """
    assert imported(text).document.data == {}
