"""Rule 3: servers that people run themselves."""

import pytest
from harness.routes import OPENROUTER_KEY, Row, World

from agentrouted.core.errors import ConfigInvalid, ModelUnresolved
from agentrouted.core.routing.vendors import LOCAL_KINDS

OLLAMA, VLLM = "http://localhost:11434/v1", "http://localhost:8000/v1"
LM_STUDIO, LLAMACPP = "http://127.0.0.1:1234/v1", "http://localhost:8080/v1"

ROWS = [
    Row("ollama/llama3", "ollama", "llama3", OLLAMA, "placeholder", OPENROUTER_KEY),
    Row("ollama/qwen2.5-coder:7b", "ollama", "qwen2.5-coder:7b", OLLAMA, "placeholder"),
    Row("ollama/hf.co/org/model:Q4_K_M", "ollama", "hf.co/org/model:Q4_K_M", OLLAMA, "placeholder"),
    Row("ollama//llama3", "ollama", "/llama3", OLLAMA, "placeholder"),
    Row("ollama/openai/gpt-4o", "ollama", "openai/gpt-4o", OLLAMA, "placeholder", OPENROUTER_KEY),
    Row("ollama/http://h/v1/m", "ollama", "http://h/v1/m", OLLAMA, "placeholder"),
    Row("vllm/meta-llama/Llama-3.1-8B", "vllm", "meta-llama/Llama-3.1-8B", VLLM, "placeholder"),
    Row("lm_studio/qwen3-4b", "lm_studio", "qwen3-4b", LM_STUDIO, "placeholder"),
    Row("llamacpp/any", "llamacpp", "any", LLAMACPP, "placeholder"),
    Row("tgi/org/model", "tgi", "org/model", "http://localhost:3000/v1", "placeholder"),
    Row("tgi/m", "tgi", "m", "http://localhost:3000/v1", "env TGI_API_KEY", {"TGI_API_KEY": "a"}),
    Row("local/smollm2-135m", "local", "smollm2-135m", "embedded:smollm2-135m", "placeholder"),
    Row("local/path/to/file.gguf", "local", "path/to/file.gguf", "embedded:path/to/file.gguf", "placeholder"),
    Row("local//abs/file.gguf", "local", "/abs/file.gguf", "embedded:/abs/file.gguf", "placeholder"),
    # Prefixes in any case, blanks dropped.
    Row("Ollama/Llama3", "ollama", "Llama3", OLLAMA, "placeholder"),
    Row("OLLAMA/llama3", "ollama", "llama3", OLLAMA, "placeholder"),
    Row("VLLM/m", "vllm", "m", VLLM, "placeholder"),
    Row("LM_Studio/m", "lm_studio", "m", LM_STUDIO, "placeholder"),
    Row("LlamaCPP/m", "llamacpp", "m", LLAMACPP, "placeholder"),
    Row("LOCAL/m", "local", "m", "embedded:m", "placeholder"),
    Row("  ollama/llama3  ", "ollama", "llama3", OLLAMA, "placeholder"),
    Row("\tollama/llama3\n", "ollama", "llama3", OLLAMA, "placeholder"),
    Row("Ollama / llama3", "ollama", "llama3", OLLAMA, "placeholder"),
    # Keys: the kind's own, then the common one, then a placeholder; never anybody else's.
    Row("ollama/m", "ollama", "m", OLLAMA, "env OLLAMA_API_KEY", {"OLLAMA_API_KEY": "a", "LOCAL_LLM_API_KEY": "b"}),
    Row("ollama/m", "ollama", "m", OLLAMA, "env LOCAL_LLM_API_KEY", {"OLLAMA_API_KEY": " ", "LOCAL_LLM_API_KEY": "b"}),
    Row("ollama/m", "ollama", "m", OLLAMA, "placeholder", {"OLLAMA_API_KEY": "", "LOCAL_LLM_API_KEY": "\t"}),
    Row("vllm/m", "vllm", "m", VLLM, "env VLLM_API_KEY", {"VLLM_API_KEY": "a", "OLLAMA_API_KEY": "b"}),
    Row("lm_studio/m", "lm_studio", "m", LM_STUDIO, "env LM_STUDIO_API_KEY", {"LM_STUDIO_API_KEY": "a"}),
    Row("lm_studio/m", "lm_studio", "m", LM_STUDIO, "env LMSTUDIO_API_KEY", {"LMSTUDIO_API_KEY": "a"}),
    Row("llamacpp/m", "llamacpp", "m", LLAMACPP, "env LLAMACPP_API_KEY", {"LLAMACPP_API_KEY": "a"}),
    Row("local/m", "local", "m", "embedded:m", "placeholder", {"LOCAL_LLM_API_KEY": "b", "LOCAL_API_KEY": "c"}),
    Row("ollama/m", "ollama", "m", OLLAMA, "param", {"OLLAMA_API_KEY": "a"}, key="mine"),
    Row("ollama/m", "ollama", "m", OLLAMA, "env OLLAMA_API_KEY", {"OLLAMA_API_KEY": "a"}, key="  "),
    Row("ollama/m", "ollama", "m", OLLAMA, "placeholder", keyfile="api_key=sk-or-v1-0123456789"),
    # The config and the key file may say more of a local kind.
    Row(
        "ollama/m",
        "ollama",
        "m",
        "http://gpu:1/v1",
        "placeholder",
        config="providers: {ollama: {api_base: 'http://gpu:1'}}",
    ),
    Row(
        "Ollama/m", "ollama", "m", OLLAMA, "config providers.ollama.api_key", config="providers: {OLLAMA: {api_key: k}}"
    ),
    Row("ollama/m", "ollama", "m", "http://gpu.lan:1/v1", "placeholder", keyfile="ollama_base_url=http://gpu.lan:1/"),
    Row(
        "local/m",
        "local",
        "m",
        "http://h:1/v1",
        "placeholder",
        config="providers: {local: {api_base: 'http://h:1/v1'}}",
    ),
    # An explicit base.
    Row("ollama/m", "ollama", "m", "http://gpu:1/v1", "placeholder", base_url="http://gpu:1"),
    Row("ollama/m", "ollama", "m", "http://gpu:1/v1", "placeholder", base_url="http://gpu:1/v1/"),
    Row("ollama/m", "ollama", "m", "http://gpu:1/api", "placeholder", base_url="http://gpu:1/api"),
    Row("local/m", "local", "m", "http://localhost:1/v1", "placeholder", base_url="http://localhost:1"),
]

BASES = [
    ("ollama", {"OLLAMA_BASE_URL": "http://gpu:1"}, "http://gpu:1/v1"),
    ("ollama", {"OLLAMA_BASE_URL": "http://gpu:1/"}, "http://gpu:1/v1"),
    ("ollama", {"OLLAMA_BASE_URL": " http://gpu:1/v1/ "}, "http://gpu:1/v1"),
    ("ollama", {"OLLAMA_BASE_URL": "https://gpu/proxy/ollama"}, "https://gpu/proxy/ollama"),
    ("ollama", {"OLLAMA_BASE_URL": "http://gpu:1", "OLLAMA_HOST": "other"}, "http://gpu:1/v1"),
    ("ollama", {"OLLAMA_BASE_URL": " ", "OLLAMA_HOST": "other"}, "http://other:11434/v1"),
    ("ollama", {"OLLAMA_HOST": "gpu", "LOCAL_LLM_BASE_URL": "http://any:1"}, "http://gpu:11434/v1"),
    ("ollama", {"OLLAMA_HOST": "0.0.0.0"}, "http://localhost:11434/v1"),
    ("ollama", {"OLLAMA_HOST": "0.0.0.0:8080"}, "http://localhost:8080/v1"),
    ("ollama", {"OLLAMA_HOST": ":8080"}, "http://localhost:8080/v1"),
    ("ollama", {"OLLAMA_HOST": "127.0.0.1:11500"}, "http://127.0.0.1:11500/v1"),
    ("ollama", {"OLLAMA_HOST": "gpu-box:11500/"}, "http://gpu-box:11500/v1"),
    ("ollama", {"OLLAMA_HOST": "gpu-box:11500/ollama/v1"}, "http://gpu-box:11500/ollama/v1"),
    ("ollama", {"OLLAMA_HOST": "http://gpu-box"}, "http://gpu-box/v1"),
    ("ollama", {"OLLAMA_HOST": "https://gpu-box"}, "https://gpu-box/v1"),
    ("ollama", {"OLLAMA_HOST": "http://0.0.0.0:11434"}, "http://localhost:11434/v1"),
    ("ollama", {"OLLAMA_HOST": "[::1]"}, "http://[::1]:11434/v1"),
    ("ollama", {"OLLAMA_HOST": "[::1]:8080"}, "http://[::1]:8080/v1"),
    ("ollama", {"OLLAMA_HOST": "::1"}, "http://[::1]:11434/v1"),
    ("ollama", {"OLLAMA_HOST": "[::]:8080"}, "http://localhost:8080/v1"),
    ("vllm", {"VLLM_BASE_URL": "http://gpu:9"}, "http://gpu:9/v1"),
    ("vllm", {"OLLAMA_BASE_URL": "http://gpu:9"}, VLLM),
    ("lm_studio", {"LMSTUDIO_BASE_URL": "http://gpu:9"}, "http://gpu:9/v1"),
    ("tgi", {"TGI_BASE_URL": "http://gpu:9"}, "http://gpu:9/v1"),
    ("llamacpp", {"LLAMACPP_BASE_URL": "http://gpu:9/v1"}, "http://gpu:9/v1"),
    ("llamacpp", {"LLAMACPP_BASE_URL": "unix:///run/llama.sock"}, "unix:///run/llama.sock/v1"),
    ("llamacpp", {"LLAMACPP_BASE_URL": "unix:///run/llama.sock/v1/"}, "unix:///run/llama.sock/v1"),
    ("llamacpp", {"LLAMACPP_BASE_URL": "http+unix://%2Frun%2Fllama.sock"}, "unix:///run/llama.sock/v1"),
    ("vllm", {"VLLM_BASE_URL": "HTTP+UNIX://%2frun%2fvllm.sock/v1/"}, "unix:///run/vllm.sock/v1"),
    ("ollama", {"OLLAMA_HOST": "unix:///run/ollama.sock"}, "unix:///run/ollama.sock/v1"),
    ("ollama", {"OLLAMA_HOST": "http+unix://%2Frun%2Follama.sock"}, "unix:///run/ollama.sock/v1"),
    *((kind, {"LOCAL_LLM_BASE_URL": "unix:///any"}, "unix:///any/v1") for kind in LOCAL_KINDS if kind != "local"),
    *((kind, {"LOCAL_LLM_BASE_URL": "http://any:1"}, "http://any:1/v1") for kind in LOCAL_KINDS if kind != "local"),
    ("vllm", {"VLLM_BASE_URL": "http://gpu:9", "LOCAL_LLM_BASE_URL": "http://any:1"}, "http://gpu:9/v1"),
    ("local", {"LOCAL_LLM_BASE_URL": "http://any:1"}, "embedded:m"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.model.strip()} {row.auth}")
def test_a_local_prefix_leads_to_its_server(row: Row) -> None:
    assert row.found() == row.expected("provider")


@pytest.mark.parametrize(("kind", "environ", "base"), BASES)
def test_the_environment_says_where_a_local_server_is(kind: str, environ: dict[str, str], base: str) -> None:
    row = Row(f"{kind}/m", kind, "m", base, "placeholder", environ)
    assert row.found() == row.expected("provider")


@pytest.mark.parametrize(
    "environ",
    [
        {"OLLAMA_BASE_URL": "gpu:1"},
        {"OLLAMA_BASE_URL": "ftp://gpu"},
        {"OLLAMA_BASE_URL": "not an address"},
        {"OLLAMA_BASE_URL": "http://user:secret@gpu:1"},
        {"OLLAMA_BASE_URL": "http://gpu:1/?secret=1"},
        {"OLLAMA_HOST": "http://"},
        {"OLLAMA_HOST": "gpu:port"},
        {"OLLAMA_HOST": "gpu:99999"},
        {"OLLAMA_HOST": "user:secret@gpu:1"},
        {"OLLAMA_BASE_URL": "unix://ollama.sock"},
        {"OLLAMA_BASE_URL": "unix:///"},
        {"OLLAMA_BASE_URL": "unix:///v1"},
        {"OLLAMA_BASE_URL": "http+unix://run/ollama.sock"},
        {"OLLAMA_BASE_URL": "http+unix://%2F"},
        {"OLLAMA_HOST": "http+unix://%2Frun%00"},
        {"LOCAL_LLM_BASE_URL": "localhost"},
    ],
)
def test_a_bad_address_in_the_environment_is_an_error_that_names_the_variable(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        World(environ).resolve("ollama/llama3")
    assert next(iter(environ)) in caught.value.message
    assert "secret" not in caught.value.message + (caught.value.hint or "")


def test_a_bad_address_of_one_provider_is_no_trouble_for_another() -> None:
    world = World({"OLLAMA_HOST": "gpu:port"}, "providers: {ollama: {}, team: {}}")
    assert world.resolve("vllm/m", base_url="https://gpu.lan/v1").endpoints
    assert world.resolve("http://gpu:1/v1/m").endpoints


@pytest.mark.parametrize("kind", LOCAL_KINDS)
def test_a_local_name_never_leads_to_the_cloud(kind: str) -> None:
    world = World(
        {**OPENROUTER_KEY, "LITELLM_API_BASE": "https://cloud.lan"},
        "{default_provider: groq, models: {'*': gpt-4o, 'o*': gpt-4o, 'l*': gpt-4o, 'v*': gpt-4o}}",
    )
    for model in (f"{kind}/m", f" {kind.upper()} / m "):
        resolution = world.resolve(model)
        assert [each.endpoint.local for each in resolution.endpoints] == [True]
        assert resolution.rule == "provider"
    for broken in (kind, f"{kind}/", f"{kind} / ", f" {kind.title()}/ \t", f"{kind}//", f"{kind}:m", kind.upper()):
        with pytest.raises(ModelUnresolved):
            world.resolve(broken)


def test_a_server_on_another_machine_is_not_local_but_free() -> None:
    endpoint = World({"OLLAMA_HOST": "gpu-box"}).resolve("ollama/llama3").endpoints[0].endpoint
    assert not endpoint.local
    assert endpoint.price
    assert (endpoint.price.input, endpoint.price.output, endpoint.price.source) == (0, 0, "local")


@pytest.mark.parametrize("model", ["ollama/gpt-oss:120b-cloud", "ollama/glm-4.6:cloud"])
def test_what_ollama_sends_on_to_its_cloud_is_not_local(model: str) -> None:
    route = World().resolve(model).to_route()
    assert (route.local, route.price) == (False, None)
    assert World(config="providers: {ollama: {local: true}}").resolve(model).to_route().local
