"""What an endpoint does not take is left out, and told."""

import json
from typing import Any

import pytest
from harness.wire import endpoint, prompt

from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import ImagePart, Message
from agentrouted_protocol.runs import Sampling, Think

EVERY = Sampling(temperature=0.5, top_p=0.9, top_k=4, frequency_penalty=0.1, presence_penalty=0.2, seed=7, stop=["END"])
PENALTIES = {"frequency_penalty", "presence_penalty"}
SAMPLING = {"temperature", "top_p", "top_k"}


def left_out(request: Any, **changes: Any) -> set[str]:
    """The names in the warnings, after a look at whether the request says the same."""
    asked = endpoint("http://models.example/v1", **changes)
    fitting = suited(asked, request)
    kept = fitting.request.sampling.model_dump(exclude_none=True)
    dropped = set(request.sampling.model_dump(exclude_none=True)) - set(kept)
    named = {warning.split("`")[1] for warning in fitting.warnings}
    assert named == dropped
    return named


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"provider": "acme"}, set()),
        ({"provider": "ollama", "wire": "ollama_chat"}, set()),
        ({"provider": "google", "wire": "gemini_generate_content", "model_id": "gemini-2.5-flash"}, set()),
        ({"wire": "anthropic_messages"}, {"seed", *PENALTIES}),
        ({"wire": "openai_responses"}, {"stop", "seed", "top_k", *PENALTIES}),
        ({"provider": "openai", "model_id": "gpt-4o"}, {"top_k"}),
        ({"provider": "azure", "model_id": "gpt-4o"}, {"top_k"}),
        ({"provider": "groq"}, {"top_k"}),
        ({"provider": "openai", "model_id": "o1"}, SAMPLING | PENALTIES),
        ({"provider": "openai", "model_id": "o4-mini"}, SAMPLING | PENALTIES | {"stop"}),
        ({"provider": "openai", "model_id": "gpt-5-mini"}, SAMPLING | PENALTIES | {"stop"}),
        ({"provider": "openrouter", "model_id": "openai/gpt-5"}, SAMPLING | PENALTIES | {"stop"}),
        ({"provider": "openai", "model_id": "gpt-5-chat-latest"}, {"top_k"}),
        ({"provider": "openai", "model_id": "gpt-5.2"}, {"top_k", "stop"}),
        ({"provider": "openai", "model_id": "gpt-5.2", "think": "high"}, SAMPLING | PENALTIES | {"stop"}),
        ({"wire": "anthropic_messages", "model_id": "claude-opus-4-20250514"}, {"seed", *PENALTIES}),
        ({"wire": "anthropic_messages", "model_id": "claude-opus-4-1-20250805"}, {"top_p", "seed", *PENALTIES}),
        ({"wire": "anthropic_messages", "model_id": "claude-sonnet-4-5"}, {"top_p", "seed", *PENALTIES}),
        ({"wire": "anthropic_messages", "model_id": "claude-opus-4-7"}, SAMPLING | {"seed", *PENALTIES}),
        ({"wire": "anthropic_messages", "model_id": "claude-sonnet-5"}, SAMPLING | {"seed", *PENALTIES}),
        ({"provider": "openrouter", "model_id": "anthropic/claude-opus-4.7"}, SAMPLING),
        (
            {"wire": "anthropic_messages", "model_id": "claude-sonnet-4-0", "think": True},
            {"temperature", "top_k", "seed", *PENALTIES},
        ),
        ({"provider": "google", "wire": "gemini_generate_content", "model_id": "gemini-3-pro-preview"}, PENALTIES),
        ({"provider": "xai", "model_id": "grok-4"}, {"top_k", "stop", *PENALTIES}),
        ({"provider": "xai", "model_id": "grok-4.3"}, {"top_k", "stop", *PENALTIES}),
        ({"provider": "xai", "model_id": "grok-4-fast-non-reasoning"}, {"top_k"}),
        ({"provider": "moonshot", "model_id": "kimi-k2.5"}, SAMPLING | PENALTIES),
    ],
)
def test_what_is_refused_is_left_out_with_a_warning(changes: dict[str, Any], names: set[str]) -> None:
    assert left_out(prompt(sampling=EVERY), **changes) == names


def test_of_two_that_do_not_go_together_the_one_that_is_given_alone_is_kept() -> None:
    request = prompt(sampling=Sampling(top_p=0.9))
    assert left_out(request, wire="anthropic_messages", model_id="claude-sonnet-4-5") == set()


def test_a_warning_says_who_takes_what_not() -> None:
    asked = endpoint("http://models.example/v1", wire="anthropic_messages", model_id="claude-sonnet-4-5")
    request = prompt(sampling=Sampling(temperature=0.5, top_p=0.9))
    [warning] = suited(asked, request).warnings
    assert warning == "`top_p` is left out: acme/claude-sonnet-4-5 does not take it beside `temperature`"


@pytest.mark.parametrize(
    ("provider", "model", "think", "fields"),
    [
        ("acme", "m", None, {}),
        ("acme", "m", True, {"reasoning_effort": "medium"}),
        ("acme", "m", False, {"reasoning_effort": "none"}),
        ("acme", "m", "minimal", {"reasoning_effort": "minimal"}),
        ("openai", "o3", "minimal", {"reasoning_effort": "low"}),
        ("openai", "o3", False, {"reasoning_effort": "low"}),
        ("openai", "gpt-5", False, {"reasoning_effort": "minimal"}),
        ("openai", "gpt-5.1", "max", {"reasoning_effort": "high"}),
        ("openai", "gpt-5.4", "max", {"reasoning_effort": "xhigh"}),
        ("openai", "gpt-6-sol", "max", {"reasoning_effort": "max"}),
        ("openrouter", "x/y", "minimal", {"reasoning": {"effort": "minimal"}}),
        ("openrouter", "x/y", "max", {"reasoning": {"effort": "xhigh"}}),
        ("openrouter", "x/y", False, {"reasoning": {"enabled": False}}),
        ("huggingface", "x/y:fastest", "minimal", {"reasoning_effort": "low"}),
        ("huggingface", "x/y", "xhigh", {"reasoning_effort": "high"}),
        ("mistral", "mistral-small-latest", "low", {"reasoning_effort": "high"}),
        ("deepseek", "deepseek-chat", True, {"thinking": {"type": "enabled"}}),
        ("deepseek", "deepseek-chat", False, {"thinking": {"type": "disabled"}}),
        ("moonshot", "kimi-k2.5", "high", {"thinking": {"type": "enabled"}}),
        ("moonshot", "kimi-k2.6", False, {"thinking": {"type": "disabled"}}),
        ("moonshot", "kimi-k3", "medium", {"reasoning_effort": "high"}),
        ("moonshot", "kimi-k3", "xhigh", {"reasoning_effort": "max"}),
        ("moonshot", "kimi-k3", True, {"reasoning_effort": "high"}),
        ("together", "deepseek-ai/DeepSeek-V4-Pro", "high", {"reasoning": {"enabled": True}}),
        ("together", "zai-org/GLM-5.1", False, {"reasoning": {"enabled": False}}),
        ("together", "openai/gpt-oss-120b", "medium", {"reasoning_effort": "medium"}),
        ("together", "openai/gpt-oss-120b", "max", {"reasoning_effort": "high"}),
        ("groq", "openai/gpt-oss-20b", False, {"reasoning_effort": "low"}),
        ("groq", "qwen/qwen3-32b", False, {"reasoning_effort": "none"}),
        ("cerebras", "gpt-oss-120b", False, {"reasoning_effort": "low"}),
        ("cerebras", "zai-glm-4.7", False, {"reasoning_effort": "none"}),
        ("fireworks", "accounts/fireworks/models/kimi-k2p6", "max", {"reasoning_effort": "high"}),
        ("perplexity", "sonar-deep-research", "xhigh", {"reasoning_effort": "high"}),
        ("xai", "grok-4.3", False, {"reasoning_effort": "none"}),
        ("xai", "grok-4.5", "minimal", {"reasoning_effort": "low"}),
        ("xai", "grok-3-mini", "medium", {"reasoning_effort": "high"}),
        ("vllm", "qwen3", False, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("llamacpp", "x", "high", {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "high"}}),
    ],
)
@pytest.mark.parametrize("said_by", ["config", "run"])
def test_how_hard_to_think_is_said_in_the_vendors_words(
    provider: str, model: str, think: Think | None, fields: dict[str, Any], said_by: str
) -> None:
    in_config = {"think": think} if said_by == "config" else {"think": "medium"} if think is not None else {}
    request = prompt(sampling=Sampling(think=think if said_by == "run" else None))
    asked = json.loads(chat_body(endpoint("http://x/v1", provider=provider, model_id=model, **in_config), request))
    words = {"reasoning_effort", "reasoning", "thinking", "chat_template_kwargs", "think"}
    assert {name: value for name, value in asked.items() if name in words} == fields


@pytest.mark.parametrize(
    ("provider", "model", "think"),
    [
        ("huggingface", "x/y", False),
        ("openai", "gpt-4o", "high"),
        ("xai", "m", False),
        ("xai", "grok-4.5", False),
        ("xai", "grok-4.20-reasoning", "high"),
        ("xai", "grok-4-fast-reasoning", True),
        ("groq", "qwen/qwen3-32b", "high"),
        ("perplexity", "sonar-pro", "low"),
        ("moonshot", "kimi-k3", False),
        ("moonshot", "kimi-k2.7-code", False),
    ],
)
def test_what_cannot_be_said_of_thinking_is_told(provider: str, model: str, think: Think) -> None:
    assert left_out(prompt(sampling=Sampling(think=think)), provider=provider, model_id=model) == {"think"}


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_an_image_where_no_format_takes_one_is_told(role: Any) -> None:
    message = Message(role=role, content=[ImagePart(data="QUJD")])
    [warning] = suited(endpoint("http://x/v1"), prompt(messages=[message])).warnings
    assert role in warning


def test_a_suffix_of_the_router_stays_with_the_model() -> None:
    for suffix in (":fastest", ":cheapest", ":groq"):
        asked = endpoint("http://x/v1", provider="huggingface", model_id=f"openai/gpt-oss-20b{suffix}")
        assert json.loads(chat_body(asked, prompt()))["model"] == f"openai/gpt-oss-20b{suffix}"
