"""Rules 5 and 6: everything else, and where it goes."""

import pytest
from harness.routes import OPENROUTER, OPENROUTER_KEY, Row, World

from agentrouted.core.errors import ConfigInvalid, ModelUnresolved

GATEWAY = "http://localhost:4000"
GROQ = "https://api.groq.com/openai/v1"
LITELLM = {"LITELLM_API_BASE": f" {GATEWAY}/ ", **OPENROUTER_KEY}
API_BASE = "api_base: https://llm.example.com/v1"
TEAM = "{default_provider: Team, providers: {team: {api_base: 'https://t.example.com/v1', api_key: team-key-0123456}}}"

FALLBACK = [
    Row("gpt-4o", "litellm", "gpt-4o", GATEWAY, "placeholder", LITELLM),
    Row("openai/gpt-4o", "litellm", "openai/gpt-4o", GATEWAY, "placeholder", LITELLM),
    Row("bedrock/a/b", "litellm", "bedrock/a/b", GATEWAY, "env LITELLM_API_KEY", {**LITELLM, "LITELLM_API_KEY": "k"}),
    Row("m", "litellm", "m", "https://l.lan/v1", "none", {**OPENROUTER_KEY, "LITELLM_API_BASE": "https://l.lan/v1"}),
    Row("m", "litellm", "m", GATEWAY, "param", LITELLM, key="mine"),
    Row(
        "m",
        "litellm",
        "m",
        "https://x.lan/v1",
        "none",
        {**LITELLM, "LITELLM_API_KEY": "k"},
        base_url="https://x.lan/v1",
    ),
    Row("gpt-4o", "team", "gpt-4o", "https://t.example.com/v1", "config providers.team.api_key", LITELLM, TEAM),
    Row("gpt-4o", "ollama", "gpt-4o", "http://localhost:11434/v1", "placeholder", LITELLM, "default_provider: ollama"),
    Row(
        "m",
        "groq",
        "m",
        "https://api.groq.com/openai/v1",
        "env GROQ_API_KEY",
        {"GROQ_API_KEY": "k"},
        "default_provider: Groq",
    ),
    Row("smollm2-135m", "local", "smollm2-135m", "embedded:smollm2-135m", "placeholder", {}, "default_provider: local"),
    Row("openai/gpt-4o", "llm.example.com", "openai/gpt-4o", "https://llm.example.com/v1", "none", LITELLM, API_BASE),
    Row(
        "m",
        "llm.example.com",
        "m",
        "https://llm.example.com/v1",
        "config keyfile.llm.example.com",
        OPENROUTER_KEY,
        API_BASE,
        "llm.example.com=k",
    ),
    Row(
        "m", "localhost", "m", "http://localhost:1/v1", "placeholder", OPENROUTER_KEY, "api_base: http://localhost:1/v1"
    ),
    Row("m", "x.lan", "m", "https://x.lan/v1", "none", OPENROUTER_KEY, API_BASE, base_url="https://x.lan/v1"),
]

VENDORS = [
    ("claude-sonnet-4", "anthropic/claude-sonnet-4"),
    ("Claude-Sonnet-4", "anthropic/Claude-Sonnet-4"),
    ("claude", "anthropic/claude"),
    ("gpt-4o", "openai/gpt-4o"),
    ("GPT-4o", "openai/GPT-4o"),
    ("gpt4", "openai/gpt4"),
    ("gpt-oss-120b:free", "openai/gpt-oss-120b:free"),
    ("o1", "openai/o1"),
    ("o1-mini", "openai/o1-mini"),
    ("O3-pro", "openai/O3-pro"),
    ("o4-mini", "openai/o4-mini"),
    ("gemini-2.5-pro", "google/gemini-2.5-pro"),
    ("llama-3.3-70b-instruct", "meta-llama/llama-3.3-70b-instruct"),
    ("Llama3", "meta-llama/Llama3"),
    ("deepseek-r1", "deepseek/deepseek-r1"),
    ("mistral-large", "mistralai/mistral-large"),
    ("MISTRAL-small", "mistralai/MISTRAL-small"),
    # As they are.
    ("openai/gpt-4o", "openai/gpt-4o"),
    ("anthropic/claude-sonnet-4:beta", "anthropic/claude-sonnet-4:beta"),
    ("OpenAI/GPT-4o", "OpenAI/GPT-4o"),
    ("meta-llama/llama-3.1-8b-instruct:free", "meta-llama/llama-3.1-8b-instruct:free"),
    ("x-ai/grok-4", "x-ai/grok-4"),
    ("openrouter/auto", "openrouter/auto"),
    ("nobody/has/this", "nobody/has/this"),
    ("openrouter/anthropic/claude-sonnet-4", "anthropic/claude-sonnet-4"),
]

BARE = [
    "qwen3-coder",
    "o2",
    "o5-mini",
    "mixtral-8x7b",
    "codellama",
    "chatgpt-4o",
    "my-gpt",
    "模型",
    "grok-4",
    "phi:latest",
]


@pytest.mark.parametrize("row", FALLBACK, ids=lambda row: f"{row.provider} {row.model} {row.base_url}")
def test_the_users_own_default_takes_everything_else_as_it_is(row: Row) -> None:
    assert row.found() == row.expected("fallbackBase")


@pytest.mark.parametrize(("model", "model_id"), VENDORS)
def test_openrouter_takes_everything_else_by_vendor(model: str, model_id: str) -> None:
    row = Row(f" {model} ", "openrouter", model_id, OPENROUTER, "env OPENROUTER_API_KEY", OPENROUTER_KEY)
    assert row.found() == row.expected("openrouter")


@pytest.mark.parametrize("model", BARE)
def test_a_name_without_a_known_vendor_stays_bare_with_a_warning(model: str) -> None:
    resolution = World(OPENROUTER_KEY).resolve(model)
    assert (resolution.rule, resolution.endpoints[0].endpoint.model_id) == ("openrouter", model)
    assert resolution.warnings


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o", "qwen3-coder"])
@pytest.mark.parametrize(
    "base_url", ["https://llm.lan/v1", "http://localhost:8000/v1", "https://openrouter.ai.evil.example/api/v1"]
)
def test_at_another_host_a_name_is_used_as_it_is(model: str, base_url: str) -> None:
    resolution = World(OPENROUTER_KEY).resolve(model, base_url=base_url)
    endpoint = resolution.endpoints[0].endpoint
    assert (resolution.rule, endpoint.model_id, endpoint.base_url) == ("openrouter", model, base_url)
    assert resolution.endpoints[0].auth.source in {"none", "placeholder"}
    assert not resolution.warnings


@pytest.mark.parametrize("base_url", [OPENROUTER, f"{OPENROUTER}/", "HTTPS://OpenRouter.AI:443/api/v1"])
def test_at_openrouter_itself_a_vendor_is_found_as_ever(base_url: str) -> None:
    resolution = World(OPENROUTER_KEY).resolve("gpt-4o", base_url=base_url)
    assert resolution.endpoints[0].endpoint.model_id == "openai/gpt-4o"
    assert resolution.endpoints[0].auth.name == "OPENROUTER_API_KEY"


@pytest.mark.parametrize(
    ("config", "keyfile"),
    [("providers: {openrouter: {api_base: 'https://or.lan/v1'}}", ""), ("", "openrouter_base_url=https://or.lan/v1")],
)
def test_openrouter_may_be_reached_by_another_address(config: str, keyfile: str) -> None:
    row = Row(
        "gpt-4o",
        "openrouter",
        "openai/gpt-4o",
        "https://or.lan/v1",
        "env OPENROUTER_API_KEY",
        OPENROUTER_KEY,
        config,
        keyfile,
    )
    assert row.found() == row.expected("openrouter")


def test_openrouter_as_the_default_provider_changes_nothing() -> None:
    row = Row("gpt-4o", "openrouter", "openai/gpt-4o", OPENROUTER, "none", {}, "default_provider: OpenRouter")
    assert row.found() == row.expected("openrouter")


def test_a_gateway_on_this_machine_is_not_local_and_not_free() -> None:
    endpoint = World(LITELLM).resolve("gpt-4o").endpoints[0].endpoint
    assert (endpoint.local, endpoint.price) == (False, None)


def test_an_unknown_default_provider_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigInvalid, match="`nobody`"):
        World(config="default_provider: nobody").resolve("gpt-4o")


@pytest.mark.parametrize("value", ["localhost:4000", "http://user:secret@h", "http://"])
def test_a_bad_gateway_address_is_an_error_that_names_the_variable(value: str) -> None:
    with pytest.raises(ConfigInvalid, match="LITELLM_API_BASE") as caught:
        World({"LITELLM_API_BASE": value}).resolve("gpt-4o")
    assert "secret" not in str(caught.value)


def test_a_prefix_that_is_nearly_a_provider_of_the_config_brings_a_warning() -> None:
    world = World(OPENROUTER_KEY, "providers: {team: {api_base: 'https://t.lan'}}")
    resolution = world.resolve("teem/m")
    assert resolution.rule == "openrouter"
    assert any("did you mean" in warning for warning in resolution.warnings)


@pytest.mark.parametrize("model", ["olama/llama3", "lmstudio/m", "lm-studio/m", "llama.cpp/m", "vlm/m", "OLLAMMA/m"])
def test_a_slip_of_the_pen_does_not_send_a_local_prompt_away(model: str) -> None:
    with pytest.raises(ModelUnresolved) as caught:
        World(OPENROUTER_KEY).resolve(model)
    assert caught.value.hint and "did you mean" in caught.value.hint
    assert World(OPENROUTER_KEY).resolve(f"openrouter/{model}").endpoints[0].endpoint.model_id == model


@pytest.mark.parametrize(
    "model", ["htp://localhost:8000/v1/x", "file:///x", "./model.gguf", "~/m", "model.gguf", "ollama\\llama3", "../a/b"]
)
def test_what_looks_like_a_file_or_an_address_does_not_go_elsewhere(model: str) -> None:
    with pytest.raises(ModelUnresolved) as caught:
        World(OPENROUTER_KEY).resolve(model)
    assert caught.value.hint


@pytest.mark.parametrize(
    "model", ["", " ", "\t\n", "/", "//", "/gpt-4o", "openai/", "openai/ ", "anthropic//", "x" * 2001]
)
def test_what_is_no_model_string_is_an_error_with_the_mend(model: str) -> None:
    with pytest.raises(ModelUnresolved) as caught:
        World(OPENROUTER_KEY).resolve(model)
    assert caught.value.hint
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "sign", ["\n", "\r\n", "\t", "\0", "\x1b", "\x7f", "\u200b", "\u202e", "\ufeff", "\u2028", "\ud800"]
)
@pytest.mark.parametrize("model", ["ollama/lla{}ma3", "oll{}ama/llama3", "gpt{}4o", "http://h/v1/{}m"])
def test_a_sign_that_does_not_show_is_an_error(model: str, sign: str) -> None:
    with pytest.raises(ModelUnresolved):
        World(OPENROUTER_KEY).resolve(model.format(sign))
