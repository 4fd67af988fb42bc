"""`bitrouter.yaml`."""

import pytest
from harness.imports import imported, route_of, told, world_of

ROUTED = """\
inherit_defaults: true
providers:
  openai: {}
  moonshotai: {}
  ollama:
    api_base: http://localhost:11434/v1
    models: [{id: "qwen:7b"}, {id: everywhere}]
  acme:
    api_base: https://llm.acme.example/v1
    api_key: ${ACME_KEY}
    api_protocol: [{"*": chat_completions}, {"claude-*": [messages, chat_completions]}]
    models:
    - id: acme/opus
      provider_model_id: claude-opus
      pricing: {input_micro_usd_per_token: 5, output_micro_usd_per_token: 25, cache_read_micro_usd_per_token: 0.5}
    - {id: acme/plain, provider_model_id: plain-1, api_protocol: responses}
    - id: everywhere
  beta:
    api_base: https://beta.example/v1
    active: false
models:
  fast:
    strategy: priority
    endpoints:
    - {provider: ollama, service_id: "qwen:7b"}
    - {provider: acme, service_id: acme/opus}
    - {provider: beta, service_id: x}
  balanced:
    strategy: load_balance
    endpoints: [{provider: openai, model_id: gpt-4o}, {provider: acme, model_id: plain-1}]
  kimi: {upstream_id: moonshotai/kimi-k3}
"""
ACME, OLLAMA = "https://llm.acme.example/v1", "http://localhost:11434/v1"


@pytest.mark.parametrize(
    ("model", "endpoints"),
    [
        ("fast", [f"{OLLAMA} qwen:7b", f"{ACME} claude-opus"]),
        ("acme/opus", [f"{ACME} claude-opus"]),
        ("qwen:7b", [f"{OLLAMA} qwen:7b"]),
        ("everywhere", [f"{ACME} everywhere", f"{OLLAMA} everywhere"]),
        ("kimi", ["https://api.moonshot.ai/v1 kimi-k3"]),
        ("openai/gpt-4o", ["https://api.openai.com/v1 gpt-4o"]),
    ],
)
def test_a_model_leads_where_it_led(model: str, endpoints: list[str]) -> None:
    assert route_of(ROUTED, model, ACME_KEY="k") == endpoints


@pytest.mark.parametrize(
    ("model", "wire"),
    [
        ("acme/opus", "chat_completions"),
        ("acme/claude-haiku", "anthropic_messages"),
        ("acme/plain", "openai_responses"),
        ("acme/other", "chat_completions"),
    ],
)
def test_the_pattern_that_says_most_gives_the_format(model: str, wire: str) -> None:
    assert world_of(ROUTED, ACME_KEY="k").resolve(model).endpoints[0].endpoint.wire == wire


def test_a_variable_stays_a_reference_and_a_price_is_for_a_million() -> None:
    acme = imported(ROUTED).document.data["providers"]["acme"]
    assert acme["api_key"] == "${ACME_KEY}"
    assert acme["models"][0] == {"id": "claude-opus", "price": {"input": 5, "output": 25, "cached": 0.5}}


def test_balanced_endpoints_are_balanced() -> None:
    assert imported(ROUTED).document.data["models"]["balanced"]["strategy"] == "balance"


def test_a_chain_that_nobody_wrote_does_not_lead_from_this_machine_to_the_cloud() -> None:
    text = """\
    providers:
      a-ollama: {api_base: "http://127.0.0.1:11434/v1", models: [{id: qwen}], auto_discover: true}
      groq: {models: [{id: qwen}]}
    """
    assert route_of(text, "qwen") == ["http://127.0.0.1:11434/v1 qwen"]
    assert told(imported(text), "approximate") == [(2, "providers.a-ollama.models.0")]


def test_a_chain_that_was_written_so_is_kept_and_told() -> None:
    assert (22, "models.fast") in told(imported(ROUTED), "approximate")


def test_accounts_stand_in_for_each_other() -> None:
    text = """\
    providers:
      zen:
        api_base: https://zen.example/v1
        accounts: [{api_key: "${ZEN_A}", label: first one}, {api_key: "${ZEN_B}"}]
    """
    zen = imported(text).document.data["providers"]["zen"]
    assert zen["accounts"] == {"first-one": "${ZEN_A}", "account-2": "${ZEN_B}"}
    keys = [each.endpoint.api_key for each in world_of(text, ZEN_A="a", ZEN_B="b").resolve("zen/glm").endpoints]
    assert [key and key.get_secret_value() for key in keys] == ["a", "b"]
    assert not told(imported(text), "approximate")


def test_accounts_that_take_turns_are_providers_of_their_own() -> None:
    text = """\
    providers:
      zen:
        api_base: https://zen.example/v1
        account_strategy: balance
        accounts: [{api_key: "${ZEN_A}", label: first}, {api_key: "${ZEN_B}", label: second}]
        models: [glm]
    """
    config = imported(text).document.data
    assert list(config["providers"]) == ["zen", "zen-second"]
    assert config["models"]["glm"]["strategy"] == "balance"


def test_accounts_at_addresses_of_their_own_are_providers_of_their_own() -> None:
    text = """\
    providers:
      zen:
        api_base: https://zen.example/v1
        account_strategy: failover
        accounts:
        - {api_key: "${ZEN_A}", label: first}
        - {api_key: "${ZEN_B}", label: second, api_base: "https://eu.zen.example/v1"}
        models: [{id: glm}]
    """
    world = world_of(text, ZEN_A="a", ZEN_B="b")
    keys = [each.endpoint.api_key for each in world.resolve("glm").endpoints]
    assert [key and key.get_secret_value() for key in keys] == ["a", "b"]
    assert route_of(text, "glm") == ["https://zen.example/v1 glm", "https://eu.zen.example/v1 glm"]


def test_endpoints_with_keys_of_their_own_keep_them() -> None:
    text = """\
    providers: {openai: {api_key: "${MAIN}"}}
    models:
      both:
        strategy: load_balance
        endpoints:
        - {provider: openai, model_id: gpt-4o, api_key: "${ONE}"}
        - {provider: openai, model_id: gpt-4o}
    """
    endpoints = world_of(text, MAIN="m", ONE="1").resolve("both").endpoints
    keys = [each.endpoint.api_key for each in endpoints]
    assert [key and key.get_secret_value() for key in keys] == ["1", "m"]


def test_a_provider_that_derives_has_what_its_parent_has() -> None:
    text = """\
    providers:
      acme: {api_base: "https://acme.example/v1", api_key: "${A}", api_protocol: anthropic, models: [{id: m}]}
      acme-dev: {derives: acme, api_key: "${B}"}
    """
    endpoint = world_of(text, A="a", B="b").resolve("acme-dev/m").endpoints[0].endpoint
    assert (endpoint.base_url, endpoint.wire) == ("https://acme.example/v1", "anthropic_messages")
    assert endpoint.api_key
    assert endpoint.api_key.get_secret_value() == "b"


def test_timeouts_in_seconds_are_ours() -> None:
    text = "providers: {x: {api_base: 'https://x.example', timeouts: {connect_secs: 3, read_secs: 40, total_secs: 9}}}"
    assert imported(text).document.data["providers"]["x"]["timeouts"] == {"connect": 3, "first_byte": 40, "idle": 40}
    assert told(imported(text), "unsupported") == [(1, "providers.x.timeouts.total_secs")]


def test_what_cannot_be_done_is_told_with_its_line() -> None:
    text = """\
    server:
      listen: 127.0.0.1:4356
    providers:
      nobody:
        api_key: ${X}
      vllm:
        api_base: https://vllm.example.com/v1
        api_key: sk-written-out
        rate_limits: [{"*": {requests_per_minute: 60}}]
    models:
      lost:
        endpoints: [{provider: nowhere, service_id: x}]
    """
    reading = imported(text)
    assert told(reading, "approximate") == [(6, "providers.vllm"), (8, "providers.vllm.api_key")]
    assert told(reading, "unsupported") == [
        (1, "server"),
        (4, "providers.nobody"),
        (9, "providers.vllm.rate_limits"),
        (11, "models.lost"),
        (12, "models.lost.endpoints.0"),
    ]


def test_a_vendor_at_another_address_is_told_since_its_key_goes_there() -> None:
    text = "server: {}\nproviders: {openai: {api_base: 'https://proxy.example/v1'}, groq: {}}"
    assert told(imported(text), "approximate") == [(2, "providers.openai")]


def test_a_name_for_this_machine_is_not_sent_away() -> None:
    text = """\
    providers: {groq: {models: [{id: ollama/qwen, provider_model_id: qwen}], tags: [paid]}}
    """
    assert "models" not in imported(text).document.data
    assert (1, "providers.groq.models.0") in told(imported(text), "unsupported")
