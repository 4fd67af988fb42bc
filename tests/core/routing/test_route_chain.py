"""Rules 1 and 4: names and patterns under `models`."""

import pytest
from harness.routes import OPENROUTER, OPENROUTER_KEY, Row, World

from agentrouted.core.errors import ConfigInvalid, ModelUnresolved

OLLAMA = "http://localhost:11434/v1"
GROQ = "https://api.groq.com/openai/v1"

NAMES = """
models:
  fast: ollama/llama3
  Big: [claude-sonnet-4, ollama/llama3]
  ollama/llama2: {endpoints: [ollama/other, gpt-4o]}
  http://h/v1/m: lm_studio/m
  gpt-4o: {endpoints: [{provider: groq, model: org/m}, {model: vllm/m}]}
  free: {endpoints: [{provider: openrouter, service_id: auto}]}
  nested: [fast, Big]
  two words: local/smollm2-135m
  claude-x: [claude-x, ollama/llama3]
  vllm/m: [vllm/m, fast]
"""

NAMED = [
    Row("fast", "ollama", "llama3", OLLAMA, "placeholder", OPENROUTER_KEY, NAMES),
    Row(" fast ", "ollama", "llama3", OLLAMA, "placeholder", {}, NAMES),
    Row("Big", "openrouter", "anthropic/claude-sonnet-4", OPENROUTER, "env OPENROUTER_API_KEY", OPENROUTER_KEY, NAMES),
    Row("ollama/llama2", "ollama", "other", OLLAMA, "placeholder", {}, NAMES),
    Row("http://h/v1/m", "lm_studio", "m", "http://127.0.0.1:1234/v1", "placeholder", {}, NAMES),
    Row("gpt-4o", "groq", "org/m", GROQ, "env GROQ_API_KEY", {"GROQ_API_KEY": "k"}, NAMES),
    Row("free", "openrouter", "openrouter/auto", OPENROUTER, "none", {}, NAMES),
    Row("nested", "ollama", "llama3", OLLAMA, "placeholder", {}, NAMES),
    Row("two words", "local", "smollm2-135m", "embedded:smollm2-135m", "placeholder", {}, NAMES),
    Row("claude-x", "openrouter", "anthropic/claude-x", OPENROUTER, "none", {}, NAMES),
    Row("vllm/m", "vllm", "m", "http://localhost:8000/v1", "placeholder", {}, NAMES),
    Row("fast", "ollama", "llama3", OLLAMA, "param", {}, NAMES, key="mine"),
    Row("fast", "ollama", "llama3", "http://gpu:1/v1", "placeholder", {}, NAMES, base_url="http://gpu:1"),
]

PATTERNS = """
providers: {groq: {}}
models:
  "*": ollama/llama3
  "claude-*": "openrouter/anthropic/claude-*"
  "claude-opus-*": groq/opus
  "my/*": "vllm/*"
  "Pair-*": ["*", "ollama/*"]
  "gpt-4o": ollama/exact
"""

MATCHED = [
    Row("anything", "ollama", "llama3", OLLAMA, "placeholder", OPENROUTER_KEY, PATTERNS),
    Row("openai/gpt-4o", "ollama", "llama3", OLLAMA, "placeholder", OPENROUTER_KEY, PATTERNS),
    Row("claude-x", "openrouter", "anthropic/claude-x", OPENROUTER, "none", {}, PATTERNS),
    Row("Claude-X", "openrouter", "anthropic/claude-X", OPENROUTER, "none", {}, PATTERNS),
    Row("claude-opus-5", "groq", "opus", GROQ, "none", {}, PATTERNS),
    Row("claude", "ollama", "llama3", OLLAMA, "placeholder", {}, PATTERNS),
    Row("my/a/b", "vllm", "a/b", "http://localhost:8000/v1", "placeholder", {}, PATTERNS),
    Row("pair-gpt-x", "openrouter", "openai/gpt-x", OPENROUTER, "none", {}, PATTERNS),
]

NOT_MATCHED = [
    ("gpt-4o", "virtualModel"),
    ("http://h/v1/m", "url"),
    ("vllm/m", "provider"),
    ("Ollama/m", "provider"),
    ("groq/m", "provider"),
]


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row.model)
def test_a_name_leads_to_the_first_of_its_chain(row: Row) -> None:
    assert row.found() == row.expected("virtualModel")


@pytest.mark.parametrize("row", MATCHED, ids=lambda row: row.model)
def test_the_longest_pattern_leads_where_it_says(row: Row) -> None:
    assert row.found() == row.expected("pattern")


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [
        ("gpt-5-mini", "small-5"),
        ("GPT-5-Mini", "small-5"),
        ("gpt--mini", "small-"),
        ("gpt-mini", "other-gpt-mini"),
        ("o9-mini", "mini-o9"),
        ("x", "other-x"),
    ],
)
def test_a_star_may_stand_anywhere_in_a_pattern(model: str, endpoint: str) -> None:
    config = "models: {'*': vllm/other-*, '*9-mini': vllm/mini-*9, gpt-*-mini: vllm/small-*}"
    assert World(config=config).resolve(model).endpoints[0].endpoint.model_id == endpoint


@pytest.mark.parametrize(("model", "rule"), NOT_MATCHED)
def test_a_pattern_never_takes_over_a_name_an_address_or_a_provider(model: str, rule: str) -> None:
    resolution = World(OPENROUTER_KEY, PATTERNS).resolve(model)
    assert resolution.rule == rule
    assert len(resolution.endpoints) == 1


@pytest.mark.parametrize("model", ["FAST", "big", "fast2"])
def test_a_name_has_to_be_written_exactly(model: str) -> None:
    assert World({}, NAMES).resolve(model).rule == "openrouter"


def test_the_rest_of_a_chain_are_the_fallbacks_in_order() -> None:
    route = World(OPENROUTER_KEY, NAMES).resolve("nested").to_route()
    fallbacks = [(each.provider, each.model_id, each.local, each.auth.source) for each in route.fallbacks]
    assert fallbacks == [
        ("openrouter", "anthropic/claude-sonnet-4", False, "env"),
        ("ollama", "llama3", True, "placeholder"),
    ]


def test_what_a_pattern_has_matched_stands_for_the_star_in_each_endpoint() -> None:
    resolution = World({}, PATTERNS).resolve("pair-qwen3")
    assert [each.endpoint.model_id for each in resolution.endpoints] == ["qwen3", "qwen3"]
    assert resolution.warnings


def test_a_chain_that_leads_to_itself_is_an_error_that_names_the_circle() -> None:
    world = World(config="models: {a: [ollama/m, b], b: c, c: a, self: self}")
    with pytest.raises(ConfigInvalid, match="a → b → c → a"):
        world.resolve("a")
    with pytest.raises(ConfigInvalid, match="self → self"):
        world.resolve("self")


@pytest.mark.parametrize("link", ["ollama/", "http://h/v1", "ollama", "http://user:secret@h/v1/m"])
def test_a_chain_with_an_endpoint_that_leads_nowhere_is_an_error_that_names_the_chain(link: str) -> None:
    with pytest.raises(ModelUnresolved, match=r"models\.fast"):
        World(config=f"models: {{fast: ['ollama/m', '{link}']}}").resolve("fast")


def test_a_chain_with_an_unknown_provider_is_an_error_that_names_both() -> None:
    with pytest.raises(ConfigInvalid, match=r"`models\.fast`: .*`nobody`"):
        World(config="models: {fast: [{provider: nobody, model: m}]}").resolve("fast")


def test_the_key_of_the_caller_goes_to_the_host_of_the_first_endpoint_only() -> None:
    config = "models: {fast: [gpt-4o, {provider: groq, model: m}, claude-x, ollama/m]}"
    resolution = World({"GROQ_API_KEY": "gsk"}, config).resolve("fast", key="mine")
    assert [each.auth.source for each in resolution.endpoints] == ["param", "env", "param", "placeholder"]


def test_a_chain_says_when_it_goes_on() -> None:
    config = "models: {fast: {endpoints: [gpt-4o, ollama/m], fallback_on: [model_missing]}}"
    chain = World({}, config).resolve("fast").chain
    assert chain and chain.fallback_on == {"model_missing"}
    assert World({}, config).resolve("gpt-4o").chain is None
