"""What providers refuse with, as our errors."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import pytest
from harness.dialects import DIALECTS
from harness.wire import KEY, endpoint, fault
from pydantic import SecretStr

from agentrouted.core.endpoint import Timeouts
from agentrouted.core.errors import ProviderError
from agentrouted.core.wire.base import ModelRequest
from agentrouted.core.wire.formats import FORMATS
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.refusals import refused, refused_inside
from agentrouted.core.wire.repeated import said_in
from agentrouted.core.wire.reply_headers import retry_after
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.messages import Message, ToolCall


class Row(NamedTuple):
    kind: str
    who: str
    status: int
    error: Any


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"message": message, **more}


BEHIND = {"raw": '{"message": "prompt is too long: 9"}'}
TABLE: dict[str, list[tuple[str, int, Any]]] = {
    "contextOverflow": [
        ("OpenAI", 400, said("too long", code="context_length_exceeded")),
        ("OpenAI", 400, said("This model's maximum context length is 8192 tokens. However, …")),
        ("OpenAI", 400, said("Your input exceeds the context window of this model.")),
        ("OpenRouter", 400, said("This endpoint's maximum context length is 32768 tokens. …")),
        ("OpenRouter, of another", 400, said("Provider returned error", metadata=BEHIND)),
        ("vLLM", 400, said("The decoder prompt (length 9) is longer than the maximum model length of 8.")),
        ("llama.cpp", 400, said("request (9 tokens) exceeds the available context size (8 tokens), try increasing it")),
        ("llama.cpp", 400, said("too large", type="exceed_context_size_error")),
        ("llama.cpp, older", 500, said("context size exceeded")),
        ("Ollama", 400, "the input length exceeds the context length"),
        ("LM Studio", 400, "Trying to keep the first 9 tokens when context the overflows. …"),
        ("LM Studio", 400, "The model has loaded with context length of only 4096 tokens, which is not enough."),
        ("Anthropic", 400, said("prompt is too long: 210000 tokens > 200000 maximum")),
        ("Anthropic", 400, said("input length and `max_tokens` exceed context limit: 9 + 9 > 9")),
        ("Google", 400, said("The input token count (9) exceeds the maximum number of tokens allowed (8).")),
        ("Bedrock", 400, said("Input is too long for requested model.")),
        ("Groq", 400, said("Please reduce the length of the messages or completion.")),
        ("xAI", 400, said("This model's maximum prompt length is 131072 but the request contains 9")),
        ("Mistral", 400, said("Prompt contains 9 tokens … too large for model with 8 maximum context length")),
        ("Moonshot", 400, said("Your request exceeded model token limit: 8192")),
        ("MiniMax", 400, said("invalid params, context window exceeds limit (2013)")),
        ("SGLang", 400, said("The input (9 tokens) is longer than the model's context length (8 tokens).")),
        ("TGI", 422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"),
        ("nginx", 413, "<html>413 Request Entity Too Large</html>"),
    ],
    "modelMissing": [
        ("OpenAI", 404, said("The model `x` does not exist or …", code="model_not_found")),
        ("Ollama", 404, said('model "llama3" not found, try pulling it first')),
        ("vLLM", 404, said("The model `x` does not exist.", type="NotFoundError")),
        ("OpenRouter", 400, said("x/y is not a valid model ID", code=400)),
        ("OpenRouter", 404, said("No endpoints found for x/y.", code=404)),
        ("DeepSeek", 400, said("Model Not Exist")),
        ("Mistral", 400, said("Invalid model: x", type="invalid_model", code="1500")),
        ("Anthropic", 404, said("model: claude-0", type="not_found_error")),
        ("Hugging Face", 400, said("not supported by any provider you have enabled.", code="model_not_supported")),
        ("Groq", 400, said("The model `x` has been decommissioned", code="model_decommissioned")),
    ],
    "providerAuth": [
        ("OpenAI", 401, said("Incorrect API key provided: sk-abcd****wxyz.", code="invalid_api_key")),
        ("OpenRouter", 401, said("No auth credentials found", code=401)),
        ("Google", 400, said("API key not valid. Please pass a valid API key.")),
        ("any", 403, said("forbidden")),
    ],
    "quotaExceeded": [
        ("OpenRouter", 402, said("This request requires more credits, or fewer max_tokens.")),
        ("OpenRouter", 403, said("Key limit exceeded (total limit)")),
        ("OpenAI", 429, said("You exceeded your current quota", code="insufficient_quota")),
        ("Anthropic", 400, said("Your credit balance is too low to access the API")),
    ],
    "responseInvalid": [
        ("Groq", 400, said("Failed to call a function. Please adjust your prompt. …", code="tool_use_failed")),
        ("Groq", 400, said("Tool call validation failed: tool call validation failed: …", code="tool_use_failed")),
    ],
    "rateLimited": [
        ("Google", 429, said("You exceeded your current quota", status="RESOURCE_EXHAUSTED")),
        ("Groq", 413, said("Request too large … tokens per minute (TPM)", code="rate_limit_exceeded")),
        ("Bedrock", 429, said("Too many tokens, please wait before trying again.")),
    ],
    "providerError": [
        ("OpenRouter", 403, said("Your input was flagged", metadata={"reasons": ["x"]})),
        ("OpenAI", 403, said("Country not supported", code="unsupported_country_region_territory")),
        ("OpenAI", 400, said("Unsupported parameter: 'max_tokens' is not supported with this model.")),
        ("Ollama", 400, said('"gemma:2b" does not support tools')),
        ("OpenRouter", 404, said("No endpoints found that support tool use.")),
        ("FastAPI", 404, None),
        ("Ollama", 500, said("model requires more system memory (9 GiB) than is available (1 GiB)")),
        ("Cloudflare", 520, "<!DOCTYPE html><title>Web server is returning an unknown error</title>"),
        *(("any", status, "") for status in (400, 404, 405, 408, 409, 422, 425, 500, 502, 503, 504, 529)),
    ],
}
ROWS = [Row(kind, *row) for kind, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.who} {row.status}")
async def test_a_refusal_has_its_kind(http: HttpClient, row: Row) -> None:
    async with Upstream([Reply.status(row.status, {"error": row.error})]) as upstream:
        error = await fault(http, upstream.url)
    assert error.kind == row.kind
    assert error.provider is not None
    assert (error.provider.name, error.provider.status) == ("acme", row.status)
    assert str(row.status) in error.message


INSIDE = [row for row in ROWS if isinstance(row.error, dict)]


@pytest.mark.parametrize("row", INSIDE, ids=lambda row: f"{row.who} {row.status}")
def test_the_same_error_inside_a_200_has_the_same_kind(row: Row) -> None:
    error = row.error if "code" in row.error or "type" in row.error else {**row.error, "code": row.status}
    assert refused_inside(endpoint("http://models.example/v1"), error, "req_1").kind == row.kind


@pytest.mark.parametrize("code", ["invalid_request_error", "invalid_prompt", "invalid_image_url"])
def test_what_is_invalid_inside_a_200_is_no_fault_of_the_server(code: str) -> None:
    assert not refused_inside(endpoint("http://models.example/v1"), {"code": code, "message": "no"}, None).retryable


@pytest.mark.parametrize(
    ("status", "is_server_fault"),
    [(400, False), (404, False), (408, True), (425, True), (500, True), (503, True), (529, True)],
)
def test_a_fault_of_the_server_is_told_from_one_of_the_request(status: int, is_server_fault: bool) -> None:
    error = refused(endpoint("http://models.example/v1"), status, {}, b"")
    assert isinstance(error, ProviderError)
    assert error.is_server_fault is is_server_fault


SHAPES: dict[str, Any] = {
    "OpenAI": {"error": {"message": "no such thing"}},
    "Ollama": {"error": "no such thing"},
    "Google": [{"error": {"message": "no such thing"}}],
    "older vLLM": {"object": "error", "message": "no such thing"},
    "FastAPI": {"detail": "no such thing"},
    "bare": {"message": "no such thing"},
    "text": "no such thing",
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
async def test_the_words_of_the_provider_are_found_in_any_shape(http: HttpClient, body: Any) -> None:
    async with Upstream([Reply.status(400, body, {"x-request-id": "req_1"})]) as upstream:
        error = await fault(http, upstream.url)
    assert error.message.endswith("no such thing")
    assert error.provider is not None
    assert (error.provider.text, error.provider.request_id) == ("no such thing", "req_1")


async def test_a_prompt_that_the_provider_repeats_is_not_shown(http: HttpClient) -> None:
    problem = {"loc": ["body", "messages"], "msg": "Field required", "input": "my private prompt"}
    async with Upstream([Reply.status(422, {"detail": [problem]})]) as upstream:
        error = await fault(http, upstream.url)
    assert "Field required" in error.message
    assert "private" not in f"{error.message} {error.provider}"


REPEATED = 'my private prompt: "müde", and\nall that follows it'


@pytest.mark.parametrize(
    "written", [REPEATED, REPEATED[:30] + " …", json.dumps(REPEATED), f"{{'input': {REPEATED!r}}}"]
)
def test_a_prompt_that_stands_in_the_words_of_the_provider_is_taken_out(written: str) -> None:
    at, sent = endpoint("http://models.example/v1"), json.dumps({"messages": [{"content": REPEATED}]}).encode()
    refusals = [
        refused(at, 400, {}, json.dumps({"error": {"message": f"Bad: {written}"}}).encode(), said_in(sent)),
        refused_inside(at, {"message": f"Bad: {written}"}, None, [REPEATED]),
    ]
    for error in refusals:
        assert "Bad: " in error.message
        assert "private" not in f"{error.message} {error.provider}"


async def test_what_was_said_is_taken_out_in_every_format(http: HttpClient) -> None:
    call = ToolCall(id="c1", name="read", arguments={"of": [{"path": "/home/ada/secret.txt"}]})
    said = [
        Message(role="user", content="Hi there, friend"),
        Message(role="assistant", content="", tool_calls=[call]),
        Message(role="tool", content="Error: no such thing as hidden", tool_call_id="c1"),
    ]
    words = "Why Hi there, friend? Why /home/ada/secret.txt? Why Error: no such thing as hidden?"
    for dialect in DIALECTS.values():
        for script in (Reply.status(400, {"error": words}), Reply.json({"error": words})):
            async with Upstream([script]) as upstream:
                at = endpoint(upstream.url, wire=dialect.wire)
                with pytest.raises(ProviderError) as caught:
                    await anext(FORMATS[dialect.wire](http).stream(at, ModelRequest(messages=said)))
            shown = f"{caught.value.message} {caught.value.provider}"
            assert "Why" in shown and not [word for word in ("friend", "secret", "hidden") if word in shown]


async def test_a_page_of_html_is_not_shown_as_a_message(http: HttpClient) -> None:
    async with Upstream([Reply.status(502, "<html><body>Bad Gateway</body></html>")]) as upstream:
        assert (await fault(http, upstream.url)).message.endswith("(502)")


async def test_long_words_are_cut_short(http: HttpClient) -> None:
    async with Upstream([Reply.status(500, "x" * 200_000)]) as upstream:
        error = await fault(http, upstream.url)
    assert error.provider is not None
    assert error.provider.text == "x" * 2000
    assert len(error.message) < 500


async def test_an_error_whose_body_never_ends_is_told_within_the_limit_of_silence(http: HttpClient) -> None:
    endless = Reply((b'{"error": ', asyncio.Event()), 429)
    async with Upstream([endless]) as upstream:
        assert (await fault(http, upstream.url, timeouts=Timeouts(idle=0.05))).kind == "rateLimited"


HINTS = {
    ("ollama", 404, "model not found"): "ollama pull big-model",
    ("lm_studio", 404, "model not found"): "lms get big-model",
    ("local", 404, "model not found"): "agentrouted models pull big-model",
    ("acme", 404, "model not found"): "agentrouted models",
    ("acme", 404, "Page not found"): "/v1",
    ("acme", 401, ""): "AGENTROUTE_ACME_API_KEY",
    ("acme-east", 401, ""): "AGENTROUTE_ACME_EAST_API_KEY",
    ("openrouter", 401, ""): "set OPENROUTER_API_KEY",
    ("ollama", 401, ""): "set OLLAMA_API_KEY",
    ("models.example", 401, ""): "`models.example=<key>`",
    ("acme", 302, ""): "redirects",
    ("acme", 402, ""): "credit",
    ("acme", 413, ""): "shorten",
    ("acme", 503, ""): "try again",
    ("acme", 408, ""): "try again",
    ("acme", 400, ""): "refused again",
    ("openai", 404, "only supported in v1/responses"): "`api_protocol: responses` under `providers.openai`",
}


TROUBLES: dict[str, list[tuple[str, int, Any, str]]] = {
    "loading": [
        ("llamacpp", 503, said("Loading model", type="unavailable_error", code=503), "wait until it has loaded"),
        ("huggingface", 503, "Model org/m is currently loading", "wait until it has loaded"),
    ],
    "outOfMemory": [
        ("ollama", 500, "model requires more system memory (7.5 GiB) than is available (5.2 GiB)", "ollama stop"),
        ("ollama", 500, "llama runner process has terminated: cudaMalloc failed: out of memory", "`ollama ps`"),
        ("ollama", 500, "llama runner process has terminated: signal: killed", "`ollama ps`"),
        ("vllm", 500, said("CUDA out of memory. Tried to allocate 2 GiB."), "`vllm serve big-model --max-model-len"),
        ("lm_studio", 400, "Model loading was stopped due to insufficient system resources.", "`lms unload --all`"),
        ("llamacpp", 500, said("failed to allocate buffer for kv cache"), "`llama-server -m FILE.gguf -c 4096`"),
        ("tgi", 424, "Request failed during generation: Server error: CUDA out of memory.", "--max-total-tokens 4096"),
        ("acme", 500, "torch.OutOfMemoryError: …", "a smaller model"),
    ],
    "contextTooSmall": [
        ("llamacpp", 400, said("request (9001 tokens) exceeds the available context size (4096 tokens)"), "-c 16384`"),
        ("vllm", 400, said("This model's maximum context length is 8192 tokens. However, you requested 9000 tokens"),
         "`vllm serve big-model --max-model-len 16384`"),
        ("lm_studio", 400, "Trying to keep the first 40000 tokens when context the overflows. …",
         "`lms load big-model --context-length 65536`"),
        ("ollama", 400, "the input length exceeds the context length", "OLLAMA_CONTEXT_LENGTH=8192 ollama serve"),
        ("tgi", 422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 …",
         "--max-total-tokens 8192"),
        ("local", 400, said("too large", type="exceed_context_size_error"), "daemon.embedded.context_window"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "row"), [(state, row) for state, rows in TROUBLES.items() for row in rows], ids=lambda each: str(each[0])
)
def test_what_a_server_has_trouble_with_is_named_with_its_mend(state: str, row: tuple[str, int, Any, str]) -> None:
    provider, status, told, mend = row
    where = endpoint("http://localhost:1/v1", provider=provider, local=True)
    error = refused(where, status, {}, json.dumps({"error": told}).encode())
    assert error.details == {"state": state}
    assert mend in (error.hint or "")


def test_a_model_that_does_not_fit_is_the_servers_fault_whatever_the_status() -> None:
    error = refused(endpoint("http://localhost:1/v1"), 400, {}, b'{"error": "insufficient system resources"}')
    assert isinstance(error, ProviderError) and error.is_server_fault


def test_a_model_that_is_being_loaded_is_waited_for() -> None:
    busy = b'{"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}'
    assert refused(endpoint("http://localhost:1/v1"), 503, {}, busy).retry_after == 5.0
    assert refused(endpoint("http://localhost:1/v1"), 503, {"retry-after": "2"}, busy).retry_after == 2.0


def test_a_server_that_says_when_to_come_back_is_quoted() -> None:
    assert refused(endpoint("http://models.example/v1"), 503, {"retry-after": "40"}, b"").hint == "try again in 40 s"


@pytest.mark.parametrize(("refusal", "hint"), HINTS.items())
def test_a_hint_says_what_to_do(refusal: tuple[str, int, str], hint: str) -> None:
    provider, status, text = refusal
    error = refused(endpoint("http://models.example/v1", provider=provider), status, {}, text.encode())
    assert hint in (error.hint or "")


def test_a_missing_key_is_told_from_a_refused_one() -> None:
    without = refused(endpoint("http://models.example/v1", api_key=None), 401, {}, b"")
    refused_key = refused(endpoint("http://models.example/v1"), 401, {}, b"")
    assert "none" in without.message
    assert "refused the key" in refused_key.message


@pytest.mark.parametrize(
    "text",
    [f"key {KEY}!", "sk-ant-api03-abcdefghijk", "Bearer abcdefghijklmnop", "AIzaSyAbcdefghijkl", "hf_abcdefghij"],
)
def test_keys_are_taken_out_of_what_the_provider_says(text: str) -> None:
    error = refused(endpoint("http://models.example/v1"), 400, {}, text.encode())
    assert error.provider is not None
    assert "[key]" in (error.provider.text or "")
    assert "abcdefghij" not in f"{error.message} {error.provider}"


def test_short_keys_and_secret_headers_are_taken_out_too() -> None:
    secretive = endpoint("http://models.example/v1", api_key=SecretStr("pass"), headers={"X-Token": "tok-77"})
    error = refused(secretive, 400, {}, b"pass and tok-77 are wrong")
    assert error.message.endswith("[key] and [key] are wrong")


PAST = datetime.now(UTC) - timedelta(days=1)
WAITS: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "0.5"}, 0.5),
    ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
    ({"retry-after": format_datetime(PAST, usegmt=True)}, 0.0),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": "Fri, 31 Dec 999999999999 23:59:59 GMT"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
async def test_the_wait_that_a_provider_asks_for_is_in_seconds(
    http: HttpClient, headers: dict[str, str], seconds: float | None
) -> None:
    async with Upstream([Reply.status(429, headers=headers)]) as upstream:
        error = await fault(http, upstream.url)
    assert (error.kind, error.retryable, error.retry_after) == ("rateLimited", True, seconds)


def test_the_wait_may_be_a_date() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    assert 3500 < (retry_after({"retry-after": format_datetime(later, usegmt=True)}) or 0) <= 3600
