"""Rule 2: a model string that is an address."""

import pytest
from harness.routes import OPENROUTER, OPENROUTER_KEY, Row, World

from agentrouted.core.errors import ModelUnresolved

GPU = {"GROQ_API_KEY": "gsk-0123456789abcdef", "OPENAI_API_KEY": "sk-0123456789abcdef", **OPENROUTER_KEY}
LITELLM = "providers: {team: {api_base: 'https://llm.example.com/v1', api_key: team-key-0123456789}}"

ROWS = [
    Row("http://localhost:8000/v1/llama3", "localhost", "llama3", "http://localhost:8000/v1", "placeholder", GPU),
    Row("http://127.0.0.1:8000/v1/llama3", "127.0.0.1", "llama3", "http://127.0.0.1:8000/v1", "placeholder", GPU),
    Row("http://127.8.9.1/v1/llama3", "127.8.9.1", "llama3", "http://127.8.9.1/v1", "placeholder", GPU),
    Row("http://[::1]:8000/v1/llama3", "::1", "llama3", "http://[::1]:8000/v1", "placeholder", GPU),
    Row("http://0.0.0.0:8000/v1/llama3", "0.0.0.0", "llama3", "http://0.0.0.0:8000/v1", "placeholder", GPU),
    Row("http://gpu-box:8000/v1/llama3", "gpu-box", "llama3", "http://gpu-box:8000/v1", "none", GPU),
    Row("https://llm.lan/llama3", "llm.lan", "llama3", "https://llm.lan", "none", GPU),
    Row("http://10.0.0.7:8000/llama3", "10.0.0.7", "llama3", "http://10.0.0.7:8000", "none", GPU),
    Row("http://[fd00::7]:8000/v1/m", "fd00::7", "m", "http://[fd00::7]:8000/v1", "none", GPU),
    Row("HTTP://localhost:8000/v1/Llama3", "localhost", "Llama3", "HTTP://localhost:8000/v1", "placeholder"),
    Row("HttpS://GPU.lan/V1/m", "gpu.lan", "m", "HttpS://GPU.lan/V1", "none"),
    Row("http://h:1/v1/org/model", "h", "model", "http://h:1/v1/org", "none"),
    Row("http://h:1/v1/qwen2.5-coder:7b", "h", "qwen2.5-coder:7b", "http://h:1/v1", "none"),
    Row("http://h:1/v1/org%2Fmodel", "h", "org%2Fmodel", "http://h:1/v1", "none"),
    Row("http://h:1/v1/v1beta", "h", "v1beta", "http://h:1/v1", "none"),
    # Trailing slashes and blanks around it are dropped.
    Row("http://h:1/v1/m/", "h", "m", "http://h:1/v1", "none"),
    Row("http://h:1/v1/m///", "h", "m", "http://h:1/v1", "none"),
    Row("http://h:1/v1//m", "h", "m", "http://h:1/v1", "none"),
    Row("  http://h:1/v1/m \n", "h", "m", "http://h:1/v1", "none"),
    # An explicit base that the address begins with says where the id begins.
    Row("http://h:1/v1/org/m", "h", "org/m", "http://h:1/v1", "none", base_url="http://h:1/v1"),
    Row("http://h:1/v1/org/m", "h", "org/m", "http://h:1/v1", "none", base_url=" http://h:1/v1/ "),
    Row("http://h:1/v1/a/b/c/", "h", "a/b/c", "http://h:1/v1", "none", base_url="http://h:1/v1"),
    Row("http://H:1/v1/org/m", "h", "org/m", "HTTP://h:1/v1", "none", base_url="HTTP://h:1/v1"),
    Row("https://h/v1/org/m", "h", "org/m", "https://h:443/v1", "none", base_url="https://h:443/v1"),
    Row("http://h:1/v1/org/v1", "h", "org/v1", "http://h:1/v1", "none", base_url="http://h:1/v1"),
    Row("http://h:1/org/m", "h", "org/m", "http://h:1", "none", base_url="http://h:1"),
    # One that it does not begin with says nothing.
    Row("http://h:1/v1beta/m", "h", "m", "http://h:1/v1beta", "none", base_url="http://h:1/v1"),
    Row("http://h:1/V1/org/m", "h", "m", "http://h:1/V1/org", "none", base_url="http://h:1/v1"),
    Row("http://h:1/v1/org/m", "h", "m", "http://h:1/v1/org", "none", base_url="http://h:2/v1"),
    Row("http://h:1/v1/org/m", "h", "m", "http://h:1/v1/org", "none", base_url="https://h:1/v1"),
    # A key goes where it belongs, and the caller's own where the caller says.
    Row("http://h:1/v1/m", "h", "m", "http://h:1/v1", "param", GPU, key="k"),
    Row("http://localhost:1/v1/m", "localhost", "m", "http://localhost:1/v1", "param", key="k"),
    Row("http://h.lan:1/v1/m", "h.lan", "m", "http://h.lan:1/v1", "config keyfile.h.lan:1", keyfile="h.lan:1=k"),
    Row("http://h.lan:1/v1/m", "h.lan", "m", "http://h.lan:1/v1", "none", keyfile="h.lan=k"),
    Row("https://h.lan/v1/m", "h.lan", "m", "https://h.lan/v1", "config keyfile.h.lan", keyfile="h.lan=k"),
    Row("https://openrouter.ai/api/v1/m", "openrouter", "m", OPENROUTER, "env OPENROUTER_API_KEY", GPU),
    Row("https://api.openai.com/v1/gpt-4o", "openai", "gpt-4o", "https://api.openai.com/v1", "env OPENAI_API_KEY", GPU),
    Row(
        "https://llm.example.com/v1/m",
        "team",
        "m",
        "https://llm.example.com/v1",
        "config providers.team.api_key",
        config=LITELLM,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.model.strip()} at {row.base_url}")
def test_an_address_leads_to_its_own_server(row: Row) -> None:
    assert row.found() == row.expected("url")


@pytest.mark.parametrize(
    "model",
    [
        "http://",
        "https://",
        "http:///m",
        "http://localhost",
        "http://localhost:8000",
        "http://localhost:8000/",
        "http://localhost:8000///",
        "http://localhost:8000/v1",
        "http://localhost:8000/v1/",
        "http://localhost:8000/V1",
        "https://openrouter.ai/api/v1",
        "http://user:secret@localhost:8000/v1/m",
        "http://user@localhost:8000/v1/m",
        "https://openrouter.ai@evil.example/v1/m",
        "https://openrouter.ai\\@evil.example/v1/m",
        "http://localhost:port/v1/m",
        "http://localhost:99999/v1/m",
        "http://localhost:0/v1/m",
        "http://[::1/v1/m",
        "http://h/v1/m?api-version=1",
        "http://h/v1/m#part",
        "http://h/v1/my model",
        "http://ho st/v1/m",
        "http://h%2eexample/v1/m",
        "http://openrouter\u3002ai/v1/m",
    ],
)
def test_an_address_without_a_server_or_a_model_is_an_error_with_the_mend(model: str) -> None:
    with pytest.raises(ModelUnresolved) as caught:
        World(OPENROUTER_KEY).resolve(model)
    assert caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("http://h:1/v1", "http://h:1/v1"),
        ("http://h:1/v1/", "http://h:1/v1"),
        ("http://h:1/v1//", "http://h:1/v1/"),
        ("http://h:1/v1", "http://h:1"),
    ],
)
def test_an_address_that_is_no_more_than_its_base_has_no_model(model: str, base_url: str) -> None:
    with pytest.raises(ModelUnresolved):
        World().resolve(model, base_url=base_url)


@pytest.mark.parametrize(
    "model",
    [
        "localhost:8000/v1/m",
        "localhost/v1/m",
        "gpu-box:8000/v1/m",
        "192.168.0.7/v1/m",
        "http:/localhost:8000/v1/m",
        "http:localhost/m",
        "https//openrouter.ai/api/v1/m",
    ],
)
def test_an_address_without_its_scheme_is_not_taken_for_a_model_in_the_cloud(model: str) -> None:
    with pytest.raises(ModelUnresolved):
        World(OPENROUTER_KEY).resolve(model)


def test_a_base_that_is_not_used_is_told() -> None:
    assert World().resolve("http://h:1/v1/m", base_url="http://other/v1").warnings
    assert not World().resolve("http://h:1/v1/m", base_url="http://h:1/v1").warnings


@pytest.mark.parametrize(
    ("model", "local"),
    [
        ("http://localhost:1/v1/m", True),
        ("http://127.0.0.1/v1/m", True),
        ("http://[::1]/v1/m", True),
        ("http://models.localhost/v1/m", True),
        ("http://localhost.evil.example/v1/m", False),
        ("http://127.0.0.1.evil.example/v1/m", False),
        ("http://127.1/v1/m", False),
        ("http://192.168.0.7/v1/m", False),
        ("http://0x7f000001/v1/m", False),
    ],
)
def test_only_a_loopback_address_is_local(model: str, local: bool) -> None:
    endpoint = World().resolve(model).endpoints[0].endpoint
    assert endpoint.local is local
    assert (endpoint.price is not None) is local
