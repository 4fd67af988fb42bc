"""What holds for all formats."""

import re
from pathlib import Path

import pytest
from harness.imports import imported, told

from agentrouted.core.config.importing import FORMATS, format_of, read_foreign, to_yaml
from agentrouted.core.config.known_servers import known_server
from agentrouted.core.config.load import load_text
from agentrouted.core.config.yaml_source import parse
from agentrouted.core.errors import ConfigInvalid
from agentrouted.core.routing.vendors import LOCAL_KINDS, VENDORS

SMALL = {
    "agentgateway": "llm: {models: [{name: m, provider: openAI, params: {apiKey: sk-secret-1}}]}",
    "bitrouter": "providers: {openai: {api_key: sk-secret-1, tags: [paid], models: [{id: gpt-4o}]}}",
    "keyvalue": "openai_api_key=sk-secret-1",
    "litellm": "model_list: [{model_name: m, litellm_params: {model: openai/gpt-4o, api_key: sk-secret-1}}]",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_known_by_what_is_in_it(name: str) -> None:
    assert imported(SMALL[name]).format == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("litellm_settings: {drop_params: true}\ninclude: [models.yaml]", "litellm"),
        ("binds: []", "agentgateway"),
        ("models: {fast: {endpoints: [{provider: openai, service_id: gpt-4o}]}}", "bitrouter"),
        ("providers: {x: {api_base: 'https://x.example', api_protocol: {'*': openai}}}", "bitrouter"),
        ("inherit_defaults: true\nproviders: {openai: {}}", "bitrouter"),
        ("providers: {openai: {}}\nmodels: {fast: openai/gpt-4o}", None),
        ("agents: {poet: {model: fast}}", None),
        ("models: {m: {endpoints: [{provider: openai, service_id: x}]}}\ndaemon: {idle_timeout: 1}", None),
        ("", None),
        ("just a line of text", None),
    ],
)
def test_our_own_config_is_not_taken_for_another(text: str, name: str | None) -> None:
    assert format_of(parse(text), text) == name


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_imported_is_a_config_of_ours(name: str) -> None:
    loaded = load_text(to_yaml(imported(SMALL[name]).document), Path("config.yaml"), {})
    assert loaded.problems == ()
    assert loaded.config
    assert loaded.config.providers["openai"].api_key


@pytest.mark.parametrize("name", FORMATS)
def test_a_key_that_is_written_out_is_carried_over_and_told(name: str) -> None:
    reading = imported(SMALL[name])
    fits = {finding.fit for finding, _ in reading.findings if "key" in finding.dotted.lower()}
    assert "approximate" in fits
    assert "sk-secret-1" not in str([finding for finding, _ in reading.findings])


@pytest.mark.parametrize("name", FORMATS)
def test_every_finding_has_its_line(name: str) -> None:
    assert all(where for _, where in imported(SMALL[name]).findings)


@pytest.mark.parametrize(
    "text",
    [
        "model_list: 7",
        "model_list: [7, null, {model_name: 3}, {model_name: m, litellm_params: {model: [x]}}]",
        "model_list: [{model_name: '', litellm_params: {model: '/'}}, {model_name: x, litellm_params: {model: 'a/'}}]",
        "model_list: []\nlitellm_settings: {fallbacks: [3, {x: y}], num_retries: many}\nrouter_settings: []",
        "llm: {models: [x, {name: y}, {name: z, provider: [1]}], virtualModels: {a: 1}, providers: [{}]}",
        "llm: {models: [{name: a, provider: openAI, params: {hostOverride: 'http://[', baseUrl: ['x']}}]}",
        "llm: {models: [{name: a, provider: openAI}], virtualModels: [{name: v, routing: {weighted: {targets: [1]}}}]}",
        "inherit_defaults: 3\nproviders: [1]\nmodels: [2]",
        "inherit_defaults: x\nproviders: {a: 1, b: {models: 3, accounts: 4}, '': {derives: b}}\nmodels: {c: 1, d: []}",
        "tools: x\nproviders: {a: {derives: b}, b: {derives: a}}\nmodels: {x: {endpoints: [{provider: a}, 3]}}",
        "server: {}\nproviders: {a: {api_base: 'http://[::1', api_protocol: [{x: 3}]}}",
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_told_and_breaks_nothing(text: str) -> None:
    assert told(imported(text), "unsupported")


@pytest.mark.parametrize("text", ["nonsense: 1", "- 1", "a: [", "words"])
def test_a_file_of_no_known_kind_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid):
        read_foreign(text, Path("theirs.yaml"))


def test_text_that_looks_like_something_else_stays_text() -> None:
    names = ["1e5", "0o17", "no", "3", "null", "~", "a: b", "2024-01-01", "#x"]
    rows = ", ".join(f"{{model_name: '{name}', litellm_params: {{model: 'openai/{name}'}}}}" for name in names)
    document = imported(f"model_list: [{rows}]").document
    assert parse(to_yaml(document)).data == document.data


@pytest.mark.parametrize("name", sorted({*VENDORS, *LOCAL_KINDS} - {"local"}))
def test_the_addresses_of_known_servers_are_those_of_the_vendors(name: str) -> None:
    server = known_server(name)
    if name in VENDORS and (server is None or server.needs_address):
        pytest.skip("other routers have no name for it")
    assert server
    kind, vendor = LOCAL_KINDS.get(name), VENDORS.get(name)
    assert server.base == (kind.base_url if kind else vendor and vendor.base_url)
    if vendor:
        assert server.key_variable in vendor.key_variables
        assert (server.protocol or "chat_completions") == vendor.wire


def test_other_spellings_of_a_name_are_known() -> None:
    spellings = ["openAI", "together_ai", "fireworks_ai", "hosted_vllm", "ollama_chat", "gemini", "OpenCode-Zen"]
    servers = [known_server(spelling) for spelling in spellings]
    found = [server and server.name for server in servers]
    assert found == ["openai", "together", "fireworks", "vllm", "ollama", "google", "opencode-zen"]
    assert all(re.fullmatch(r"https?://\S+", server.base) for server in servers if server)
