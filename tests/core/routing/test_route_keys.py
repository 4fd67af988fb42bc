"""Which key goes where, and that no key goes astray."""

from urllib.parse import urlsplit

import pytest
from harness.routes import OPENROUTER, World
from pydantic import SecretStr

from agentrouted.core.errors import ConfigInvalid, InvalidParams

BOTH = {"AGENTROUTE_API_KEY": "sk-first", "OPENROUTER_API_KEY": "sk-second"}
ORDER = [
    (
        "sk-param",
        {"AGENTROUTE_API_KEY": "sk-first", "OPENROUTER_API_KEY": "sk-second"},
        True,
        "api_key=f",
        "param",
        None,
    ),
    (
        None,
        {"AGENTROUTE_API_KEY": "sk-first", "OPENROUTER_API_KEY": "sk-second"},
        True,
        "",
        "env",
        "AGENTROUTE_API_KEY",
    ),
    (" ", {"AGENTROUTE_API_KEY": " ", "OPENROUTER_API_KEY": " sk-second\n"}, True, "", "env", "OPENROUTER_API_KEY"),
    (
        "",
        {"AGENTROUTE_API_KEY": "", "OPENROUTER_API_KEY": "\t"},
        True,
        "api_key=f",
        "config",
        "providers.openrouter.api_key",
    ),
    (None, {}, False, "api_key=f\nopenrouter_api_key=g", "config", "keyfile.api_key"),
    (None, {}, False, "openrouter_api_key=g", "config", "keyfile.openrouter_api_key"),
    (None, {}, False, "openrouter.ai=h", "config", "keyfile.openrouter.ai"),
    (None, {}, False, "openrouter.ai:443=h\nopenrouter.ai=i", "config", "keyfile.openrouter.ai:443"),
    (None, {}, False, "api_key=\ngroq_api_key=g", "none", None),
    (None, {"OPENAI_API_KEY": "sk-other", "ANTHROPIC_API_KEY": "sk-other"}, False, "", "none", None),
]

OPENROUTER_CONFIG = "providers: {openrouter: {api_key: sk-config}}"


@pytest.mark.parametrize(("param", "environ", "in_config", "keyfile", "source", "name"), ORDER)
def test_the_first_place_that_has_a_key_counts(
    param: str | None, environ: dict[str, str], in_config: bool, keyfile: str, source: str, name: str | None
) -> None:
    world = World(environ, OPENROUTER_CONFIG if in_config else "", keyfile)
    auth = world.resolve("gpt-4o", key=param).endpoints[0].auth
    assert (auth.source, auth.name) == (source, name)


def test_a_key_is_trimmed_wherever_it_comes_from() -> None:
    world = World({"OPENROUTER_API_KEY": " sk-env\n"})
    assert world.resolve("gpt-4o").endpoints[0].endpoint.api_key == SecretStr("sk-env")
    assert world.resolve("gpt-4o", key="\tsk-mine ").endpoints[0].endpoint.api_key == SecretStr("sk-mine")


EVERY_KEY = {
    "AGENTROUTE_API_KEY": "sk-agentroute-0123456789",
    "OPENROUTER_API_KEY": "sk-openrouter-0123456789",
    "OLLAMA_API_KEY": "sk-ollama-0123456789",
    "GROQ_API_KEY": "sk-groq-0123456789",
    "OPENAI_API_KEY": "sk-openai-0123456789",
    "LITELLM_API_KEY": "sk-litellm-0123456789",
}
EVERY_CONFIG = """
providers:
  openrouter: {api_key: sk-config-openrouter-0123456789, headers: {X-Secret: header-openrouter}}
  groq: {api_key: sk-config-groq-0123456789, headers: {X-Secret: header-groq}}
  team:
    api_base: https://llm.example.com:8443/v1
    api_key: sk-config-team-0123456789
    headers: {X-Secret: header-team}
"""
EVERY_FILE = "api_key=sk-file-0123456789\ngroq_api_key=sk-file-groq\nopenrouter.ai=sk-file-host-0123456789"
EVERYTHING = World(EVERY_KEY, EVERY_CONFIG, EVERY_FILE)

ELSEWHERE = [
    "https://evil.example/api/v1",
    "https://openrouter.ai.evil.example/api/v1",
    "https://evil.example/openrouter.ai/api/v1",
    "https://evil-openrouter.ai/api/v1",
    "https://openrouter.ai-evil.example/api/v1",
    "https://api.openrouter.ai/api/v1",
    "https://openrouter.a/api/v1",
    "https://xn--openroutr-2jf.ai/api/v1",
    "https://openrouter.ai./api/v1",
    "http://localhost:1/v1",
    "https://llm.example.com/v1",
    "http://llm.example.com:8443/v1",
]


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o", "groq/m", "team/m", "ollama/m", "http://gpu:1/v1/m"])
@pytest.mark.parametrize("base_url", ELSEWHERE)
def test_no_kept_key_goes_to_another_host(model: str, base_url: str) -> None:
    asked = base_url + "/m" if model.startswith("http") else model
    endpoint = EVERYTHING.resolve(asked, base_url=base_url).endpoints[0].endpoint
    key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
    assert not key.startswith("sk-") or (key == EVERY_KEY["OLLAMA_API_KEY"] and "localhost" in base_url)
    assert not endpoint.headers


@pytest.mark.parametrize(
    "base_url", ["http://openrouter.ai/api/v1", "https://openrouter.ai:8443/api/v1", "http://openrouter.ai:443/api/v1"]
)
def test_another_port_or_plain_http_gets_only_a_key_that_was_written_for_that_port(base_url: str) -> None:
    port = urlsplit(base_url).port or 80
    for_port = World(EVERY_KEY, EVERY_CONFIG, f"{EVERY_FILE}\nopenrouter.ai:{port}=sk-for-that-port-0123456789")
    for model in ("gpt-4o", f"{base_url}/gpt-4o", "openrouter/auto"):
        (refused,) = EVERYTHING.resolve(model, base_url=base_url).endpoints
        assert refused.auth.source == "none" and f"openrouter.ai:{port}=<key>" in (refused.auth.hint or "")
        (found,) = for_port.resolve(model, base_url=base_url).endpoints
        assert found.auth.name == f"keyfile.openrouter.ai:{port}"


@pytest.mark.parametrize("url", ["http://localhost:8000/v1/m", "https://localhost/v1/m", "http://[::1]:9/v1/m"])
def test_on_this_machine_a_host_stands_for_all_of_its_ports(url: str) -> None:
    (found,) = World(keyfile="localhost=sk-mine-0123456789\n[::1]=sk-mine-0123456789").resolve(url).endpoints
    assert found.auth.source == "config"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://openrouter.ai@evil.example/api/v1",
        "https://openrouter.ai:443@evil.example/api/v1",
        "https://user:secret@openrouter.ai/api/v1",
        "https://openrouter.ai\\@evil.example/api/v1",
        "https://openrouter.ai%2eevil.example/api/v1",
        "https://openrouter\u3002ai/api/v1",
        "https://оpenrouter.ai/api/v1",
        "https://openrouter.ai/api/v1?to=evil",
        "https://openrouter.ai#@evil.example",
        "https://openrouter.ai:port/api/v1",
        "https://open router.ai/api/v1",
        "https://openrouter.ai\n.evil.example/api/v1",
        "openrouter.ai/api/v1",
        "//openrouter.ai/api/v1",
        "file:///etc/passwd",
        "embedded:smollm2",
        "https://",
        "https:///api/v1",
    ],
)
def test_what_is_no_clean_address_is_refused_as_a_base(base_url: str) -> None:
    for model in ("gpt-4o", "ollama/m"):
        with pytest.raises(InvalidParams) as caught:
            EVERYTHING.resolve(model, base_url=base_url)
        assert caught.value.hint
        assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("base_url", ["", "  ", None])
def test_a_blank_base_counts_as_not_given(base_url: str | None) -> None:
    assert World().resolve("gpt-4o", base_url=base_url).endpoints[0].endpoint.base_url == OPENROUTER


@pytest.mark.parametrize("base_url", [OPENROUTER, "HTTPS://OPENROUTER.AI/api/v1", "https://openrouter.ai:443/other"])
def test_the_same_host_written_otherwise_gets_its_key(base_url: str) -> None:
    assert EVERYTHING.resolve("gpt-4o", base_url=base_url).endpoints[0].auth.name == "AGENTROUTE_API_KEY"


def test_at_another_providers_host_that_ones_key_and_headers_are_used() -> None:
    for model in ("gpt-4o", "groq/m"):
        resolved = EVERYTHING.resolve(model, base_url="https://llm.example.com:8443/v1").endpoints[0]
        assert resolved.auth.name == "providers.team.api_key"
        assert resolved.endpoint.headers == {"X-Secret": "header-team"}


def test_a_local_name_at_a_hosted_provider_gets_no_key() -> None:
    assert EVERYTHING.resolve("ollama/m", base_url="https://api.groq.com/v1").endpoints[0].auth.source == "placeholder"


def test_an_explicit_key_goes_wherever_the_caller_says() -> None:
    resolved = EVERYTHING.resolve("gpt-4o", key="mine", base_url="https://evil.example/v1").endpoints[0]
    assert (resolved.auth.source, resolved.endpoint.api_key) == ("param", SecretStr("mine"))


def test_a_missing_key_is_no_error_but_says_how_to_get_one() -> None:
    auth = World().resolve("gpt-4o").endpoints[0].auth
    assert auth.source == "none"
    assert auth.hint
    assert "OPENROUTER_API_KEY" in auth.hint
    stranger = World().resolve("https://llm.lan/v1/m").endpoints[0].auth
    assert stranger.hint


@pytest.mark.parametrize(
    ("key", "hint"), [("sk-or-v1-abcdefgh", "…efgh"), ("0123456789ab", "…89ab"), ("0123456789a", None), ("k", None)]
)
def test_a_hint_is_the_end_of_a_long_key_and_nothing_of_a_short_one(key: str, hint: str | None) -> None:
    assert World({"OPENROUTER_API_KEY": key}).resolve("gpt-4o").endpoints[0].auth.hint == hint
    assert World().resolve("gpt-4o", key=key).endpoints[0].auth.hint == hint


@pytest.mark.parametrize("key", ["sk-a\nHost: evil", "sk-ключ", "sk a", "sk-\x00"])
def test_a_key_that_no_header_can_carry_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        World().resolve("gpt-4o", key=key)
    assert key not in str(caught.value)
    with pytest.raises(ConfigInvalid, match="OPENROUTER_API_KEY") as kept:
        World({"OPENROUTER_API_KEY": key}).resolve("gpt-4o")
    assert key not in str(kept.value)


MODELS = ["gpt-4o", "groq/m", "team/m", "ollama/m", "local/m", "https://openrouter.ai/api/v1/m", "http://gpu:1/v1/m"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("key", [None, "sk-param-0123456789"])
def test_no_key_can_be_read_from_what_is_told_or_printed(model: str, key: str | None) -> None:
    resolution = EVERYTHING.resolve(model, key=key)
    told = resolution.to_route().model_dump_json() + repr(resolution) + str(resolution) + repr(resolution.to_route())
    secrets = [*EVERY_KEY.values(), "sk-config", "sk-file", "sk-param", "header-"]
    assert [secret for secret in secrets if secret in told] == []
