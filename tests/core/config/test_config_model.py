"""Every key of the file arrives where the other rooms look for it."""

from typing import Any

import pytest
from pydantic import SecretStr

from agentrouted.core.config.load import load_text
from agentrouted.core.config.model import Config
from agentrouted.core.config.virtual_model import ChainLink
from agentrouted.core.endpoint import Price, Timeouts
from agentrouted.core.wire.formats import FORMATS


def config_of(text: str, environ: dict[str, str] | None = None) -> Config:
    loaded = load_text(text, None, environ or {})
    assert loaded.problems == ()
    assert loaded.config
    return loaded.config


def test_a_provider_is_read_whole() -> None:
    provider = config_of("""
        providers:
          groq:
            api_base: " https://api.groq.com/openai/v1/ "
            api_key: " sk-1 "
            api_protocol: [{"qwen-*": openai}, {"*": chat_completions}]
            models: [{id: a, context_window: 8, price: {input: 1, output: 2.5, cached: 0}, json_schema: no}, {id: b}]
            headers: {X-Title: editor}
            timeouts: {connect: 1, first_byte: 2, idle: 3}
            local: yes
    """).providers["groq"]
    assert provider.api_base == "https://api.groq.com/openai/v1"
    assert provider.api_key == SecretStr("sk-1")
    assert provider.wire_for("qwen-3") == provider.wire_for("other") == "chat_completions"
    model, other = provider.model_named("a"), provider.model_named("b")
    assert model and model.price and (model.context_window, model.price.value) == (8, Price(1, 2.5, 0))
    assert model.json_schema is False
    assert other and (other.context_window, other.price, other.json_schema) == (None, None, None)
    assert provider.headers["X-Title"].get_secret_value() == "editor"
    assert provider.timeouts.value == Timeouts(1, 2, 3)
    assert provider.local is True


def test_a_provider_that_is_only_named_has_the_defaults() -> None:
    provider = config_of("providers:\n  groq:\n").providers["groq"]
    assert (provider.api_base, provider.api_key, provider.local, provider.models) == (None, None, None, ())
    assert (provider.timeouts.value, provider.wire_for("a")) == (Timeouts(), "chat_completions")


@pytest.mark.parametrize("written", ["", "''", "'  '", "~", "'${EMPTY}'", "'${NONE:-}'"])
def test_an_empty_value_counts_as_not_written(written: str) -> None:
    config = config_of(f"providers: {{g: {{api_key: {written}, api_base: {written}}}}}", {"EMPTY": ""})
    assert (config.providers["g"].api_key, config.providers["g"].api_base) == (None, None)


@pytest.mark.parametrize(
    ("names", "wire"),
    [
        (["chat_completions", "openai", "chat", "[{a: chat}]"], "chat_completions"),
        (["openai_responses", "responses", "[{'a*': responses}, {'*': chat}]"], "openai_responses"),
        (["anthropic_messages", "anthropic", "messages"], "anthropic_messages"),
        (["ollama_chat", "ollama"], "ollama_chat"),
        (["gemini_generate_content", "gemini", "google"], "gemini_generate_content"),
    ],
)
def test_all_names_of_a_wire_format_are_known(names: list[str], wire: str) -> None:
    for name in names:
        provider = config_of(f"providers: {{g: {{api_protocol: {name}}}}}").providers["g"]
        assert provider.wire_for("a") == wire
        assert wire in FORMATS


@pytest.mark.parametrize(
    "written",
    ["[g/a, b]", "{endpoints: [g/a, b]}", "{endpoints: [{model: g/a}, b], strategy: priority}"],
)
def test_a_chain_can_be_written_short_or_long(written: str) -> None:
    model = config_of(f"models: {{fast: {written}}}").models["fast"]
    assert model.endpoints == (ChainLink(model="g/a"), ChainLink(model="b"))
    assert model.fallback_on == frozenset()


def test_one_endpoint_needs_no_list() -> None:
    assert config_of("models: {claude-*: g/a}").models["claude-*"].endpoints == (ChainLink(model="g/a"),)


@pytest.mark.parametrize("name", ["model", "service_id"])
def test_an_endpoint_can_name_its_provider(name: str) -> None:
    (link,) = config_of(f"models: {{fast: {{endpoints: [{{provider: g, {name}: a/b}}]}}}}").models["fast"].endpoints
    assert (link.provider, link.model, link.text) == ("g", "a/b", "g/a/b")


def test_a_chain_says_when_to_go_on() -> None:
    model = config_of("models: {fast: {endpoints: [a], fallback_on: [context_overflow, model_missing]}}").models["fast"]
    assert model.fallback_on == {"context_overflow", "model_missing"}


def test_an_agent_is_read_whole() -> None:
    agent = config_of("""
        agents:
          poet:
            description: writes
            model: fast
            instructions: |
              Be brief.
            max_turns: 3
            max_tokens: 100
            timeout: 60
            idle_timeout: 5.5
            sampling:
              {temperature: 0, top_p: 0.9, top_k: 4, seed: 7, stop: ["."], frequency_penalty: 1, presence_penalty: 2}
    """).agents["poet"]
    assert (agent.description, agent.model, agent.instructions) == ("writes", "fast", "Be brief.\n")
    assert (agent.max_turns, agent.max_tokens, agent.timeout, agent.idle_timeout) == (3, 100, 60, 5.5)
    assert agent.sampling.to_wire() == {
        "temperature": 0, "topP": 0.9, "topK": 4, "seed": 7, "stop": ["."], "frequencyPenalty": 1, "presencePenalty": 2,
    }  # fmt: skip


def test_the_daemon_has_defaults_and_settings() -> None:
    daemon = Config().daemon
    assert (daemon.idle_timeout, daemon.log_level, daemon.embedded.sleep_idle_seconds) == (900, "info", 300)
    daemon = config_of(
        "daemon: {idle_timeout: 0, log_level: debug, embedded: {sleep_idle_seconds: 1, threads: 2, context_window: 3}}"
    ).daemon
    assert (daemon.idle_timeout, daemon.log_level) == (0, "debug")
    embedded = daemon.embedded
    assert (embedded.sleep_idle_seconds, embedded.threads, embedded.context_window) == (1, 2, 3)


def test_each_call_is_kept_for_ever_unless_the_file_says_otherwise() -> None:
    assert Config().daemon.ledger.keep_days is None
    assert config_of("daemon: {ledger: {keep_days: 90}}").daemon.ledger.keep_days == 90


def test_the_journal_is_kept_for_a_week_unless_the_file_says_otherwise() -> None:
    journal = Config().daemon.journal
    assert (journal.enabled, journal.keep_days, journal.max_megabytes) == (True, 7, 256)
    journal = config_of("daemon: {journal: {enabled: no, keep_days: 0.5, max_megabytes: 1}}").daemon.journal
    assert (journal.enabled, journal.keep_days, journal.max_megabytes) == (False, 0.5, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("default_provider: groq", ("groq", None)), ("api_base: http://h/v1/", (None, "http://h/v1")), ("", (None, None))],
)
def test_the_default_is_a_provider_or_an_address(text: str, expected: tuple[Any, Any]) -> None:
    config = config_of(text)
    assert (config.default_provider, config.api_base) == expected


def test_numbers_can_come_from_the_environment() -> None:
    daemon = config_of("daemon: {idle_timeout: '${T}', embedded: {threads: '${N:-2}'}}", {"T": "1.5"}).daemon
    assert (daemon.idle_timeout, daemon.embedded.threads) == (1.5, 2)


def test_a_secret_is_not_in_the_text_of_a_configuration() -> None:
    config = config_of("providers: {g: {api_key: sk-secret, headers: {Authorization: Bearer sk-secret}}}")
    assert "secret" not in repr(config)
    assert "secret" not in config.model_dump_json()
