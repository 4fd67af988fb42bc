"""What local servers say of their context windows."""

from typing import Any

import pytest
from harness.wire import endpoint

from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.windows import Windows
from agentrouted.testing.upstream import Received, Reply, Upstream

LOADED = {"models": [{"name": "other:latest", "context_length": 1}, {"name": "m:latest", "context_length": 16384}]}
UNLOADED: dict[str, Any] = {"models": []}
SHOWN = {
    "parameters": 'num_keep                       24\nstop                           "<|eot|>"\nnum_ctx     8192\n',
    "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
}
PROPS = {"default_generation_settings": {"id": 0, "n_ctx": 4096, "params": {}}, "total_slots": 1}
MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "max_model_len": 32768}]}
STUDIO = {
    "data": [
        {"id": "other", "state": "loaded", "loaded_context_length": 1},
        {"id": "m", "state": "loaded", "max_context_length": 131072, "loaded_context_length": 4096},
    ]
}
NOT_LOADED = {"data": [{"id": "m", "state": "not-loaded", "max_context_length": 131072}]}


class Server:
    """Answers by path; anything else is not found."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.asked: list[str] = []

    def __call__(self, request: Received) -> Reply:
        self.asked.append(f"{request.method} {request.path}")
        if request.path not in self.documents:
            return Reply.status(404)
        return Reply.json(self.documents[request.path])


@pytest.mark.parametrize(
    ("provider", "documents", "window"),
    [
        ("ollama", {"/api/ps": LOADED, "/api/show": SHOWN}, 16384),
        ("ollama", {"/api/ps": UNLOADED, "/api/show": SHOWN}, 8192),
        ("ollama", {"/api/ps": UNLOADED, "/api/show": {"model_info": SHOWN["model_info"]}}, None),
        ("llamacpp", {"/props": PROPS}, 4096),
        ("llamacpp", {"/props": {"default_generation_settings": None}}, None),
        ("lm_studio", {"/api/v0/models": STUDIO}, 4096),
        ("lm_studio", {"/api/v0/models": NOT_LOADED}, None),
        ("vllm", {"/v1/models": MODELS}, 32768),
        ("tgi", {"/info": {"model_id": "m", "max_input_tokens": 4095, "max_total_tokens": 4096}}, 4096),
        ("workstation", {"/v1/models": MODELS}, 32768),
        ("groq", {"/v1/models": {"data": [{"id": "m", "context_window": 4096}]}}, 4096),
        ("openrouter", {"/v1/models": {"data": [{"id": "m", "context_length": 4096}]}}, 4096),
        ("mistral", {"/v1/models": {"data": [{"id": "m", "max_context_length": 4096}]}}, 4096),
        ("vllm", {"/v1/models": {"data": [None, {"id": "m", "max_model_len": "many"}]}}, None),
        ("vllm", {"/v1/models": []}, None),
        ("ollama", {}, None),
    ],
)
async def test_a_server_is_asked_in_its_own_way(provider: str, documents: dict[str, Any], window: int | None) -> None:
    http = HttpClient()
    async with Upstream([Server(documents)], models=None) as upstream:
        asked = endpoint(upstream.url, provider=provider, model_id="m", local=True)
        assert await Windows().of(asked, http) == window
    await http.aclose()


async def test_an_answer_is_kept_and_so_is_none() -> None:
    http, windows = HttpClient(), Windows()
    server = Server({"/v1/models": MODELS})
    async with Upstream([server], models=None) as upstream:
        for model in ("m", "m", "unknown", "unknown"):
            await windows.of(endpoint(upstream.url, provider="vllm", model_id=model, local=True), http)
    assert server.asked == ["GET /v1/models"] * 2
    await http.aclose()


async def test_a_server_that_is_not_there_or_talks_nonsense_has_no_known_window() -> None:
    http = HttpClient()
    assert await Windows().of(endpoint("http://127.0.0.1:9/v1", provider="vllm", local=True), http) is None
    async with Upstream([Reply.raw(b"<html>")], models=None) as upstream:
        assert await Windows().of(endpoint(upstream.url, provider="llamacpp", local=True), http) is None
    await http.aclose()
