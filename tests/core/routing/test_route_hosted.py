"""Rule 3: hosted providers that the user has asked for."""

import pytest
from harness.routes import OPENROUTER, OPENROUTER_KEY, Row, World

from agentrouted.core.errors import ConfigInvalid
from agentrouted.core.routing.vendors import VENDORS

GROQ, OPENAI = "https://api.groq.com/openai/v1", "https://api.openai.com/v1"
TEAM = "providers: {Team-1: {api_base: 'https://llm.example.com/api/', api_key: team-key-0123456789}}"
TEAM_BASE = "https://llm.example.com/api"

ROWS = [
    Row(
        "groq/m",
        "groq",
        "m",
        GROQ,
        "env AGENTROUTE_GROQ_API_KEY",
        {"AGENTROUTE_GROQ_API_KEY": "k", "GROQ_API_KEY": "g"},
    ),
    Row("Groq/org/m", "groq", "org/m", GROQ, "env AGENTROUTE_GROQ_API_KEY", {"AGENTROUTE_GROQ_API_KEY": "k"}),
    Row(
        "groq/m", "groq", "m", GROQ, "env BITROUTER_GROQ_API_KEY", {"BITROUTER_GROQ_API_KEY": "k", "GROQ_API_KEY": "g"}
    ),
    Row(
        "groq/m",
        "groq",
        "m",
        GROQ,
        "env AGENTROUTE_GROQ_API_KEY",
        {"AGENTROUTE_GROQ_API_KEY": "k", "BITROUTER_GROQ_API_KEY": "b"},
    ),
    Row(
        "openai/gpt-4o",
        "openai",
        "gpt-4o",
        OPENAI,
        "env OPENAI_API_KEY",
        {"OPENAI_API_KEY": "k"},
        "providers: {openai: {}}",
    ),
    Row("openai/gpt-4o", "openai", "gpt-4o", OPENAI, "none", OPENROUTER_KEY, "providers: {openai: }"),
    Row(
        "OpenAI/gpt-4o",
        "openai",
        "gpt-4o",
        OPENAI,
        "config providers.openai.api_key",
        {},
        "providers: {openai: {api_key: k}}",
    ),
    Row(
        "openai/gpt-4o",
        "openai",
        "gpt-4o",
        OPENAI,
        "env OPENAI_API_KEY",
        {"OPENAI_API_KEY": "k"},
        "default_provider: openai",
    ),
    Row(
        "huggingface/org/m",
        "huggingface",
        "org/m",
        "https://router.huggingface.co/v1",
        "env HF_TOKEN",
        {"HF_TOKEN": "hf"},
        "providers: {huggingface: {}}",
    ),
    Row("team-1/m", "Team-1", "m", TEAM_BASE, "config providers.Team-1.api_key", config=TEAM),
    Row("TEAM-1/a/b", "Team-1", "a/b", TEAM_BASE, "config providers.Team-1.api_key", config=TEAM),
    Row(
        "team-1/m",
        "Team-1",
        "m",
        TEAM_BASE,
        "env AGENTROUTE_TEAM_1_API_KEY",
        {"AGENTROUTE_TEAM_1_API_KEY": "k"},
        TEAM,
    ),
    Row(
        "groq/m",
        "groq",
        "m",
        "https://proxy.lan/v1",
        "env GROQ_API_KEY",
        {"GROQ_API_KEY": "k"},
        "providers: {groq: {api_base: 'https://proxy.lan/v1'}}",
    ),
    Row(
        "team/m",
        "team",
        "m",
        "http://localhost:4000",
        "placeholder",
        {},
        "providers: {team: {api_base: 'http://localhost:4000'}}",
    ),
    Row(
        "groq/m",
        "groq",
        "m",
        GROQ,
        "config keyfile.groq_api_key",
        {},
        "providers: {groq: {}}",
        "groq_api_key=k",
    ),
    Row(
        "groq/m", "groq", "m", "https://g.lan/v1", "none", {}, "providers: {groq: {}}", "groq_base_url=https://g.lan/v1"
    ),
    Row("groq/m", "groq", "m", GROQ, "param", {"GROQ_API_KEY": "k"}, "providers: {groq: {}}", key=" mine "),
    Row(
        "groq/m",
        "groq",
        "m",
        "https://g.lan/v1",
        "none",
        {"GROQ_API_KEY": "k"},
        "providers: {groq: {}}",
        base_url="https://g.lan/v1",
    ),
    Row(
        "openrouter/a/m",
        "openrouter",
        "a/m",
        OPENROUTER,
        "env OPENROUTER_API_KEY",
        OPENROUTER_KEY,
        "providers: {openrouter: {}}",
    ),
    Row("openrouter/auto", "openrouter", "openrouter/auto", OPENROUTER, "none", {}, "providers: {openrouter: {}}"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.model.strip()} {row.auth}")
def test_a_prefix_leads_to_its_provider(row: Row) -> None:
    assert row.found() == row.expected("provider")


@pytest.mark.parametrize("vendor", [row.name for row in VENDORS.values() if row.base_url and row.name != "openrouter"])
def test_a_hosted_provider_is_direct_only_where_the_user_asked_for_it(vendor: str) -> None:
    own = dict.fromkeys(VENDORS[vendor].key_variables, "key-0123456789abcdef")
    assert World({**own, **OPENROUTER_KEY}).resolve(f"{vendor}/m").rule == "openrouter"
    assert World({f"AGENTROUTE_{vendor.upper()}_API_KEY": " "}).resolve(f"{vendor}/m").rule == "openrouter"
    assert World(keyfile=f"{vendor}_api_key=k").resolve(f"{vendor}/m").rule == "openrouter"
    for world in (
        World({f"AGENTROUTE_{vendor.upper()}_API_KEY": "key"}),
        World(own, f"providers: {{{vendor}: {{}}}}"),
        World(own, f"providers: {{{vendor.upper()}: {{}}}}"),
    ):
        resolution = world.resolve(f"{vendor}/m")
        assert resolution.rule == "provider"
        assert resolution.endpoints[0].endpoint.base_url == VENDORS[vendor].base_url
        assert resolution.endpoints[0].auth.source == "env"


AZURE = {"AGENTROUTE_AZURE_API_KEY": "key-0123456789abcdef"}


@pytest.mark.parametrize(
    ("environ", "config"),
    [
        ({"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/"}, ""),
        ({}, "providers: {azure: {api_base: 'https://mine.openai.azure.com'}}"),
        ({}, "providers: {azure: {api_base: 'https://mine.openai.azure.com/openai/v1/'}}"),
    ],
)
def test_azure_has_an_address_for_each_customer(environ: dict[str, str], config: str) -> None:
    (candidate,) = World({**AZURE, **environ}, config).resolve("azure/my-deployment").endpoints
    endpoint = candidate.endpoint
    assert (endpoint.base_url, endpoint.wire) == ("https://mine.openai.azure.com/openai/v1", "chat_completions")
    assert (endpoint.json_schema, candidate.auth.source) == (True, "env")


def test_azure_without_an_address_is_told_what_it_looks_like() -> None:
    with pytest.raises(ConfigInvalid) as failed:
        World(AZURE).resolve("azure/my-deployment")
    assert "https://RESOURCE.openai.azure.com/openai/v1" in (failed.value.hint or "")


def test_a_provider_without_an_address_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigInvalid, match=r"`team`"):
        World(config="providers: {team: {api_key: k}}").resolve("team/m")


def test_what_the_config_knows_of_a_provider_is_in_its_endpoint() -> None:
    config = """
    providers:
      team:
        api_base: http://localhost:4000/v1
        headers: {X-Team: blue}
        timeouts: {connect: 3}
        local: false
        models: [{id: m, context_window: 8192, price: {input: 1, output: 2, cached: 0.5}}]
    """
    resolution = World(config=config).resolve("team/m")
    endpoint = resolution.endpoints[0].endpoint
    assert dict(endpoint.headers) == {"X-Team": "blue"}
    assert (endpoint.timeouts.connect, endpoint.local, endpoint.wire) == (3, False, "chat_completions")
    route = resolution.to_route()
    assert route.context_window == 8192
    assert route.price
    assert (route.price.input, route.price.output, route.price.cached) == (1, 2, 0.5)
    assert World(config=config).resolve("team/other").to_route().price is None


def test_a_remote_server_may_be_called_local_by_the_config() -> None:
    config = "providers: {team: {api_base: 'http://gpu.lan/v1', local: true}}"
    assert World(config=config).resolve("team/m").endpoints[0].endpoint.local


@pytest.mark.parametrize(
    ("model", "config", "known"),
    [
        ("openai/m", "", True),
        ("mistral/m", "", True),
        ("groq/m", "", False),
        ("anthropic/m", "", True),
        ("https://api.openai.com/v1/m", "", True),
        ("https://models.example/v1/m", "", False),
        ("http://localhost:9/v1/m", "", False),
        ("ollama/m", "", True),
        ("local/m", "", True),
        ("openai/m", "providers: {openai: {api_base: 'https://proxy.example/v1'}}", False),
        ("openai/m", "providers: {openai: {models: [{id: m, json_schema: false}]}}", False),
        ("openai/other", "providers: {openai: {models: [{id: m, json_schema: false}]}}", True),
        ("openai/m", "providers: {openai: {models: [{id: m}]}}", True),
        ("groq/m", "providers: {groq: {models: [{id: m, json_schema: true}]}}", True),
        ("ollama/m", "providers: {ollama: {models: [{id: m, json_schema: false}]}}", False),
        ("openai/m", "providers: {openai: {api_protocol: responses}}", True),
        ("anthropic/m", "providers: {anthropic: {api_protocol: chat}}", False),
        ("llamacpp/m", "providers: {llamacpp: {api_protocol: messages}}", False),
        ("ollama/m", "providers: {ollama: {api_protocol: ollama}}", True),
    ],
)
def test_it_is_known_who_holds_replies_to_a_schema(model: str, config: str, known: bool) -> None:
    keys = {f"AGENTROUTE_{name.upper()}_API_KEY": "k" for name in VENDORS}
    (candidate,) = World(keys, config).resolve(model).endpoints
    assert candidate.endpoint.json_schema is known


@pytest.mark.parametrize(
    ("model", "config", "wire"),
    [
        ("openai/m", "", "chat_completions"),
        ("openai/gpt-5-pro", "providers: {openai: {api_protocol: [{'*-pro': responses}]}}", "openai_responses"),
        ("openai/gpt-5", "providers: {openai: {api_protocol: [{'*-pro': responses}]}}", "chat_completions"),
        ("anthropic/m", "", "anthropic_messages"),
        ("https://api.anthropic.com/v1/m", "", "anthropic_messages"),
        (
            "anthropic/m",
            "providers: {anthropic: {api_base: 'https://gateway.example/anthropic'}}",
            "anthropic_messages",
        ),
        ("anthropic/m", "providers: {anthropic: {api_protocol: chat}}", "chat_completions"),
        ("google/m", "", "gemini_generate_content"),
        ("google/m", "providers: {google: {api_base: 'https://g.example/v1beta/openai'}}", "chat_completions"),
        (
            "team/m",
            "providers: {team: {api_base: 'https://gpu.example/v1', api_protocol: messages}}",
            "anthropic_messages",
        ),
        ("openrouter/anthropic/m", "", "chat_completions"),
    ],
)
def test_a_vendor_is_spoken_to_in_its_own_format(model: str, config: str, wire: str) -> None:
    keys = {f"AGENTROUTE_{name.upper()}_API_KEY": "k" for name in VENDORS}
    assert World(keys, config).resolve(model).to_route().wire == wire


def test_at_the_address_of_nobody_who_is_known_it_is_openais_format() -> None:
    keys = {"AGENTROUTE_ANTHROPIC_API_KEY": "k"}
    route = World(keys).resolve("anthropic/m", base_url="https://elsewhere.example/v1").to_route()
    assert route.wire == "chat_completions"
