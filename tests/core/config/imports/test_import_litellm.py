"""The `config.yaml` of LiteLLM's proxy."""

import pytest
from harness.imports import imported, route_of, told, world_of

from agentrouted.core.config.imports.base import Fit

ROUTED = """\
model_list:
- model_name: chat
  litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 60}
- model_name: chat
  litellm_params: {model: azure/gpt-4o-eu, api_base: "https://eu.openai.azure.com/", api_key: os.environ/EU, rpm: 20}
- model_name: here
  litellm_params: {model: ollama_chat/qwen, api_base: "http://localhost:11434"}
- model_name: there
  litellm_params: {model: ollama/qwen, api_base: "http://gpu-box:11434"}
- model_name: bare
  litellm_params: {model: claude-opus}
- model_name: server
  litellm_params: {model: openai/facebook/opt, api_base: "http://0.0.0.0:4000/v1", api_key: none}
- model_name: tgi
  litellm_params: {model: huggingface/org/zephyr, api_base: "http://127.0.0.1:8001"}
- model_name: kept
  litellm_params: {model: openai/gpt-4o-mini, litellm_credential_name: shared}
- model_name: "groq/*"
  litellm_params: {model: "groq/*", api_key: os.environ/GROQ_API_KEY}
- model_name: "gpt-*"
  litellm_params: {model: "openrouter/openai/gpt-*"}
- model_name: "*-preview"
  litellm_params: {model: "mistral/*-preview"}
credential_list:
- credential_name: shared
  credential_values: {api_key: os.environ/SHARED, api_base: "https://proxy.example/v1"}
  credential_info: {description: for all}
router_settings:
  model_group_alias: {alias: here, hidden-one: {model: server, hidden: true}}
"""


@pytest.mark.parametrize(
    ("model", "endpoints"),
    [
        ("here", ["http://localhost:11434/v1 qwen"]),
        ("there", ["http://gpu-box:11434/v1 qwen"]),
        ("bare", ["https://api.anthropic.com/v1 claude-opus"]),
        ("server", ["http://0.0.0.0:4000/v1 facebook/opt"]),
        ("tgi", ["http://127.0.0.1:8001/v1 org/zephyr"]),
        ("kept", ["https://proxy.example/v1 gpt-4o-mini"]),
        ("groq/llama", ["https://api.groq.com/openai/v1 llama"]),
        ("gpt-5", ["https://openrouter.ai/api/v1 openai/gpt-5"]),
        ("big-preview", ["https://api.mistral.ai/v1 big-preview"]),
        ("alias", ["http://localhost:11434/v1 qwen"]),
        ("hidden-one", ["http://0.0.0.0:4000/v1 facebook/opt"]),
    ],
)
def test_a_model_leads_where_it_led(model: str, endpoints: list[str]) -> None:
    assert route_of(ROUTED, model) == endpoints


def test_deployments_of_one_name_share_the_calls_by_what_they_can_bear() -> None:
    assert imported(ROUTED).document.data["models"]["chat"] == {
        "strategy": "balance",
        "endpoints": [
            {"provider": "openai", "model": "gpt-4o", "weight": 60},
            {"provider": "eu.openai.azure.com", "model": "gpt-4o-eu", "weight": 20},
        ],
    }

    rpm = [(3, "model_list.0.litellm_params.rpm"), (5, "model_list.1.litellm_params.rpm")]
    assert set(rpm) <= set(told(imported(ROUTED), "approximate"))


def test_only_a_shuffle_goes_by_what_they_can_bear() -> None:
    text = """\
    model_list:
    - {model_name: m, litellm_params: {model: openai/a, rpm: 100}}
    - {model_name: m, litellm_params: {model: openai/b, rpm: 50}}
    router_settings: {routing_strategy: least-busy}
    """
    endpoints = imported(text).document.data["models"]["m"]["endpoints"]
    assert endpoints == [{"provider": "openai", "model": "a"}, {"provider": "openai", "model": "b"}]
    assert len(told(imported(text), "unsupported")) == 2


def test_a_star_that_nothing_stands_for_is_left_out() -> None:
    text = """\
    model_list:
    - {model_name: m, litellm_params: {model: openai/gpt-*}}
    - {model_name: "n-*", litellm_params: {model: openai/*-*}}
    """
    assert imported(text).document.data == {}


def test_the_environment_is_referred_to() -> None:
    providers = imported(ROUTED).document.data["providers"]
    assert providers["openai"] == {"api_key": "${OPENAI_API_KEY}"}
    azure = providers["eu.openai.azure.com"]
    assert (azure["api_base"], azure["api_key"]) == ("https://eu.openai.azure.com/openai/v1", "${EU}")


def test_azure_gets_its_key_in_its_own_header() -> None:
    endpoints = world_of(ROUTED, EU="k").resolve("chat").endpoints
    azure = next(each.endpoint for each in endpoints if "azure" in each.endpoint.base_url)
    assert azure.quirks["key_header"] == "api-key"


def test_no_key_of_the_environment_goes_to_an_address_of_ones_own() -> None:
    text = "model_list: [{model_name: m, litellm_params: {model: openai/m, api_base: 'https://other.example/v1'}}]"
    endpoint = world_of(text, OPENAI_API_KEY="sk-1").resolve("m").endpoints[0].endpoint
    assert endpoint.api_key is None


def deployments(name: str, *bases: str) -> str:
    rows = (f"{{model_name: {name}, litellm_params: {{model: openai/m, api_base: '{base}/v1'}}}}" for base in bases)
    return ", ".join(rows)


@pytest.mark.parametrize(
    ("written", "strategy"),
    [
        ("simple-shuffle", "balance"),
        ("latency-based-routing", "fastest"),
        ("cost-based-routing", "cheapest"),
        ("least-busy", "balance"),
        ("usage-based-routing-v2", "balance"),
    ],
)
def test_a_routing_strategy_has_a_counterpart(written: str, strategy: str) -> None:
    models = deployments("m", "https://a.example", "https://b.example")
    reading = imported(f"model_list: [{models}]\nrouter_settings: {{routing_strategy: {written}}}")
    assert reading.document.data["models"]["m"]["strategy"] == strategy
    fit: Fit = "approximate" if written.startswith(("least", "usage")) else "exact"
    assert (2, "router_settings.routing_strategy") in told(reading, fit)


@pytest.mark.parametrize("section", ["litellm_settings", "router_settings"])
def test_fallbacks_come_after_all_deployments_and_never_go_in_a_circle(section: str) -> None:
    many, one = deployments("many", "https://a.example", "https://b.example"), deployments("one", "https://c.example")
    text = f"model_list: [{many}, {one}]\n{section}: {{fallbacks: [{{many: [one]}}, {{one: [many]}}]}}"
    a, b, c = (f"https://{letter}.example/v1 m" for letter in "abc")
    assert sorted(route_of(text, "many")[:2]) == [a, b]
    assert route_of(text, "many")[2:] == [c]
    assert route_of(text, "one")[0] == c
    assert sorted(route_of(text, "one")[1:]) == [a, b]


def test_fallbacks_for_long_contexts_are_taken_then() -> None:
    text = f"""
model_list: [{deployments("short", "https://a.example")}, {deployments("long", "https://b.example")}]
litellm_settings: {{context_window_fallbacks: [{{short: [long]}}]}}
"""
    model = imported(text).document.data["models"]["short"]
    assert (len(model["endpoints"]), model["fallback_on"]) == (2, ["context_overflow"])
    assert (2, "model_list.0") in told(imported(text), "approximate")


def test_a_fallback_can_be_one_deployment() -> None:
    text = """\
    model_list:
    - {model_name: m, litellm_params: {model: openai/a}, model_info: {id: first}}
    - {model_name: m, litellm_params: {model: openai/b}}
    - {model_name: n, litellm_params: {model: groq/c}}
    litellm_settings: {fallbacks: [{n: [first]}]}
    """
    assert route_of(text, "n") == ["https://api.groq.com/openai/v1 c", "https://api.openai.com/v1 a"]


def test_an_order_is_kept() -> None:
    text = """\
    model_list:
    - {model_name: m, litellm_params: {model: openai/second, order: 2}}
    - {model_name: m, litellm_params: {model: openai/first, order: 1}}
    """
    assert route_of(text, "m") == ["https://api.openai.com/v1 first", "https://api.openai.com/v1 second"]


def test_a_fallback_from_this_machine_to_the_cloud_is_told() -> None:
    text = """\
    model_list:
    - {model_name: here, litellm_params: {model: ollama/qwen}}
    - {model_name: cloud, litellm_params: {model: openai/gpt-4o}}
    litellm_settings: {fallbacks: [{here: [cloud]}], default_fallbacks: [cloud]}
    """
    assert (2, "model_list.0") in told(imported(text), "approximate")
    assert told(imported(text), "unsupported") == [(4, "litellm_settings.default_fallbacks")]


def test_prices_windows_headers_and_patience_are_read() -> None:
    text = """\
    model_list:
    - model_name: m
      litellm_params:
        model: openai/m
        input_cost_per_token: 0.0000025
        organization: os.environ/ORG
        extra_headers: {X-Team: red}
      model_info: {output_cost_per_token: 0.00001, max_input_tokens: 128000}
    litellm_settings: {num_retries: 5, request_timeout: 600}
    """
    endpoint = world_of(text, ORG="org-1").resolve("m").endpoints[0].endpoint
    assert endpoint.price
    assert (endpoint.price.input, endpoint.price.output, endpoint.context_window) == (2.5, 10, 128000)
    assert endpoint.headers == {"X-Team": "red", "OpenAI-Organization": "org-1"}
    assert (endpoint.retries, endpoint.timeouts.first_byte) == (5, 600)


def test_a_free_model_has_a_price() -> None:
    text = """\
    model_list:
    - model_name: m
      litellm_params: {model: openai/m, input_cost_per_token: 0, output_cost_per_token: 0.0}
    """
    price = world_of(text).resolve("m").endpoints[0].endpoint.price
    assert price and (price.input, price.output) == (0, 0)


def test_what_cannot_be_done_is_told_with_its_line() -> None:
    text = """\
    model_list:
    - model_name: aws
      litellm_params: {model: bedrock/claude, aws_region_name: eu-central-1}
    - model_name: vectors
      litellm_params: {model: openai/embed}
      model_info: {mode: embedding}
    - model_name: "*"
      litellm_params: {model: "*"}
    - model_name: example
      litellm_params: {model: azure/x, api_base: <your-endpoint>}
    - model_name: good
      litellm_params:
        model: openai/gpt-4o
        api_key: sk-written-out
        temperature: 0.2
    litellm_settings:
      drop_params: true
      fallbacks: [{good: [gone]}]
    general_settings: {master_key: sk-1234}
    """
    reading = imported(text)
    assert list(reading.document.data["models"]) == ["good"]
    assert told(reading, "approximate") == [(14, "model_list.4.litellm_params.api_key")]
    assert told(reading, "unsupported") == [
        (2, "model_list.0"),
        (4, "model_list.1"),
        (7, "model_list.2"),
        (9, "model_list.3"),
        (10, "model_list.3.litellm_params.api_base"),
        (15, "model_list.4.litellm_params.temperature"),
        (17, "litellm_settings.drop_params"),
        (18, "litellm_settings.fallbacks.0.good"),
        (19, "general_settings"),
    ]


def test_a_model_that_is_not_for_chats_is_left_out_also_without_its_mode() -> None:
    text = "model_list: [{model_name: m, litellm_params: {model: text-embedding-3-small}}]"
    assert imported(text).document.data == {}


def test_a_name_for_this_machine_is_not_sent_away() -> None:
    text = "model_list: [{model_name: ollama/qwen, litellm_params: {model: openai/gpt-4o}}]"
    assert "models" not in imported(text).document.data
    assert told(imported(text), "unsupported") == [(1, "model_list.0")]
