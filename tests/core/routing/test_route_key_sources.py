"""Keys that are fetched later, and several accounts: what a route says of them."""

import pytest
from harness.routes import World
from pydantic import SecretStr

from agentrouted.core.key_source import ClientKey, CommandKey, KeyringKey
from agentrouted.core.routing.endpoints import ResolvedEndpoint

COMMAND = "providers: {groq: {api_key: {command: [op, read, op://secret], refresh: 60, timeout: 5}}}"
KEYRING = "providers: {groq: {api_key: {keyring: https://vault/me/groq}}}"
ACCOUNTS = """
providers:
  groq:
    accounts:
      work: ${WORK_KEY}
      private: sk-private
      vault: {command: [op, read, op://secret]}
"""


def first(world: World, model: str = "groq/m", *, key: str | None = None) -> ResolvedEndpoint:
    return world.resolve(model, key=key).endpoints[0]


def asked(world: World, model: str, base_url: str | None = None) -> ResolvedEndpoint:
    return world.resolve(model, base_url=base_url, asks_client=True).endpoints[0]


def sources(world: World) -> list[tuple[str, str | None]]:
    return [(each.auth.source, each.auth.name) for each in world.resolve("groq/m").endpoints]


def test_a_command_is_named_and_its_arguments_are_not() -> None:
    found = first(World(config=COMMAND))
    assert (found.auth.source, found.auth.name) == ("config", "providers.groq.api_key")
    assert found.auth.hint == "`op` is run when a run needs it"
    assert (found.endpoint.api_key, found.endpoint.key_source) == (
        None,
        CommandKey(("op", "read", "op://secret"), 5, 60),
    )
    resolution = World(config=COMMAND).resolve("groq/m")
    assert "op://secret" not in resolution.to_route().model_dump_json() + repr(resolution)


def test_the_keyring_is_named_with_its_entry() -> None:
    found = first(World(config=KEYRING))
    assert (found.auth.source, found.auth.name) == ("keyring", "providers.groq.api_key")
    assert found.endpoint.key_source == KeyringKey("https://vault/me", "groq", 30, 3600)
    assert found.auth.hint == "the entry `https://vault/me` of `groq` is read when a run needs it"


@pytest.mark.parametrize("config", [COMMAND, KEYRING])
def test_a_key_that_is_at_hand_comes_first_where_the_order_says_so(config: str) -> None:
    assert first(World({"GROQ_API_KEY": "sk-env"}, config)).endpoint.key_source is None
    assert first(World(config=config), key="sk-mine").endpoint.key_source is None
    assert first(World(config=config, keyfile="groq_api_key=sk-file")).endpoint.key_source is not None


@pytest.mark.parametrize("config", [COMMAND, KEYRING, ACCOUNTS])
@pytest.mark.parametrize(
    "base_url", ["https://evil.example/v1", "http://api.groq.com/openai/v1", "http://127.0.0.1:9/v1"]
)
def test_nothing_is_fetched_for_another_host(config: str, base_url: str) -> None:
    world = World({"WORK_KEY": "sk-work"}, config)
    for model in ("groq/m", f"{base_url}/m"):
        (found,) = world.resolve(model, base_url=base_url).endpoints
        assert found.endpoint.key_source is None and found.auth.source in {"none", "placeholder"}


def test_each_account_is_an_endpoint_in_the_order_of_the_file() -> None:
    world = World({"WORK_KEY": "sk-work"}, ACCOUNTS)
    names = ["work", "private", "vault"]
    assert sources(world) == [("config", f"providers.groq.accounts.{name}") for name in names]
    endpoints = [each.endpoint for each in world.resolve("groq/m").endpoints]
    assert [endpoint.account for endpoint in endpoints] == names
    assert [endpoint.api_key for endpoint in endpoints] == [SecretStr("sk-work"), SecretStr("sk-private"), None]


def test_the_environment_comes_before_the_accounts_and_the_key_file_is_not_looked_at() -> None:
    world = World({"WORK_KEY": "sk-work", "GROQ_API_KEY": "sk-env"}, ACCOUNTS, "groq_api_key=sk-file")
    assert [name for _, name in sources(world)][:2] == ["GROQ_API_KEY", "providers.groq.accounts.work"]
    assert len(sources(world)) == 4
    same = World({"WORK_KEY": "sk-work", "GROQ_API_KEY": "sk-work"}, ACCOUNTS)
    assert [name for _, name in sources(same)][:2] == ["GROQ_API_KEY", "providers.groq.accounts.private"]


def test_a_key_of_the_callers_own_is_the_only_one() -> None:
    assert len(World({"WORK_KEY": "sk-work"}, ACCOUNTS).resolve("groq/m", key="sk-mine").endpoints) == 1


def test_accounts_stand_in_a_chain_where_their_provider_stands() -> None:
    world = World({"WORK_KEY": "sk-work"}, ACCOUNTS + "models: {fast: [ollama/a, groq/b, ollama/c]}")
    ids = [(each.endpoint.model_id, each.endpoint.account) for each in world.resolve("fast").endpoints]
    assert ids == [("a", None), ("b", "work"), ("b", "private"), ("b", "vault"), ("c", None)]


@pytest.mark.parametrize(
    ("model", "base_url", "provider", "host"),
    [
        ("gpt-4o", None, "openrouter", "openrouter.ai"),
        ("team/m", None, "team", "llm.example.com:8443"),
        ("gpt-4o", "https://llm.example.com:8443/v1", "team", "llm.example.com:8443"),
        ("gpt-4o", "https://evil.example/v1", "evil.example", "evil.example"),
        ("team/m", "http://llm.example.com:8443/v1", "llm.example.com", "llm.example.com:8443"),
        ("http://gpu:8000/v1/m", None, "gpu", "gpu:8000"),
        ("https://[2001:db8::1]/v1/m", None, "2001:db8::1", "[2001:db8::1]"),
        ("tunnel/m", None, "tunnel", "127.0.0.1:9"),
    ],
)
def test_the_client_is_asked_where_no_other_key_is(model: str, base_url: str | None, provider: str, host: str) -> None:
    config = """
providers:
  team: {api_base: "https://llm.example.com:8443/v1"}
  tunnel: {api_base: "http://127.0.0.1:9/v1", local: false}
"""
    found = asked(World(config=config), model, base_url)
    assert (found.auth.source, found.endpoint.key_source) == ("client", ClientKey(provider, host))
    assert found.auth.hint and "secret/get" in found.auth.hint


@pytest.mark.parametrize(
    ("model", "environ"),
    [
        ("ollama/m", {}),
        ("ollama/m", {"OLLAMA_BASE_URL": "http://gpu:11434"}),
        ("local/m", {}),
        ("http://localhost:8000/v1/m", {}),
        ("team/m", {}),
        ("gpt-4o", {"OPENROUTER_API_KEY": "sk-env"}),
    ],
)
def test_the_client_is_not_asked_where_no_key_is_needed_or_there_is_one(model: str, environ: dict[str, str]) -> None:
    world = World(environ, "providers: {team: {api_base: 'http://gpu:1/v1', local: true}}")
    assert asked(world, model).endpoint.key_source is None


def test_a_client_that_gives_no_keys_is_not_asked() -> None:
    assert World().resolve("gpt-4o").endpoints[0].auth.source == "none"
