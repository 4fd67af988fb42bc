"""The quirks that are known: of formats, providers, families."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_Layer = Mapping[str, Any]


def _without(*names: str) -> dict[str, bool]:
    return dict.fromkeys(names, False)


_PENALTIES: Final = ("frequency_penalty", "presence_penalty")
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_UP_TO_HIGH: Final = {"xhigh": "high", "max": "high"}
_LOW_TO_HIGH: Final = {"minimal": "low", **_UP_TO_HIGH}
_WORDS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")
_AS_SAID: Final = {word: word for word in _WORDS}
_LOW_HIGH_MAX: Final = {"default": "high", "minimal": "low", "medium": "high", "xhigh": "max"}
_ON_OR_OFF: Final = dict.fromkeys(_WORDS, "default")
_NO_EFFORTS: Final = _without("none", "default", *_WORDS)

FORMATS: Final[Mapping[str, _Layer]] = {
    # https://platform.openai.com/docs/api-reference/responses/create has no place for these.
    "openai_responses": {"parameters": _without("stop", "seed", "top_k", *_PENALTIES)},
    # https://platform.claude.com/docs/en/api/messages; while it thinks, it picks its words in one way only.
    "anthropic_messages": {
        "parameters": _without("seed", *_PENALTIES),
        "parameters_while_thinking": _without("temperature", "top_k"),
        "efforts": {"minimal": "low"},
    },
    "ollama_chat": {"efforts": {"minimal": "low", "xhigh": "max"}},
    "gemini_generate_content": {"efforts": _UP_TO_HIGH},
}

_OPENAI: Final[_Layer] = {
    # The o and gpt-5 models refuse the older name; all take the newer.
    "parameters": {"max_tokens": "max_completion_tokens", "top_k": False},
    "file_addresses": False,
}
_TEMPLATE: Final[_Layer] = {"think_field": "template"}

PROVIDERS: Final[Mapping[str, _Layer]] = {
    "openai": _OPENAI,
    # https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle
    "azure": {**_OPENAI, "key_header": "api-key"},
    # https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
    "openrouter": {"think_field": "reasoning", "efforts": {"max": "xhigh"}},
    "huggingface": {"efforts": {**_LOW_TO_HIGH, "none": False}},
    # https://console.groq.com/docs/reasoning and /api-reference
    "groq": {"parameters": _without("top_k"), "efforts": _LOW_TO_HIGH},
    # https://inference-docs.cerebras.ai/capabilities/reasoning
    "cerebras": {"parameters": _without("top_k"), "efforts": _LOW_TO_HIGH},
    "mistral": {
        "parameters": {"seed": "random_seed", **_without("stream_options", "top_k")},
        # It thinks, or it does not: https://docs.mistral.ai/capabilities/reasoning/
        "efforts": {"default": "high", "minimal": "high", "low": "high", "medium": "high", **_UP_TO_HIGH},
    },
    # https://api-docs.deepseek.com/guides/thinking_mode
    "deepseek": {"parameters": _without("top_k"), "think_field": "thinking"},
    # https://platform.kimi.ai/docs/api/models-overview
    "moonshot": {"parameters": _without("top_k"), "think_field": "thinking", "efforts": _ON_OR_OFF},
    # https://docs.together.ai/docs/inference/chat/reasoning
    "together": {"think_field": "reasoning", "efforts": _ON_OR_OFF},
    # https://docs.fireworks.ai/guides/reasoning; models differ in which words they take.
    "fireworks": {"efforts": _LOW_TO_HIGH},
    # https://docs.x.ai/developers/model-capabilities/text/reasoning
    "xai": {"parameters": _without("top_k"), "efforts": {**_LOW_TO_HIGH, "none": False}},
    # https://docs.perplexity.ai/api-reference/chat-completions-post
    "perplexity": {"efforts": {**_UP_TO_HIGH, "none": False}},
    "ollama": {"efforts": _LOW_TO_HIGH},
    "vllm": _TEMPLATE,
    # LM Studio answers 400 to the object that names a tool; llama.cpp, also the embedded one, takes it for "auto".
    "lm_studio": {"names_tools": False},
    "llamacpp": {"names_tools": False, **_TEMPLATE},
    "local": {"names_tools": False, **_TEMPLATE},
}

# Patterns that are looked for in `provider/model`, in lower case. All that fit count, in this order.
FAMILIES: Final[Sequence[tuple[re.Pattern[str], _Layer]]] = tuple(
    (re.compile(pattern), layer)
    for pattern, layer in (
        # https://platform.openai.com/docs/guides/reasoning and /latest-model
        (r"/o[1-9]", {"parameters": _without(*_SAMPLING, *_PENALTIES), "efforts": {"none": "low", **_LOW_TO_HIGH}}),
        (r"/(o[3-9]|gpt-5(?!.*chat))", {"parameters": _without("stop")}),
        (r"/gpt-5(?!\.|-chat)", {"efforts": {"none": "minimal", **_UP_TO_HIGH}}),
        (r"/gpt-5\.", {"efforts": {"minimal": "low", "max": "xhigh"}}),
        (r"/gpt-5\.1", {"efforts": _UP_TO_HIGH}),
        (r"/gpt-[6-9]", {"efforts": {"minimal": "low"}}),
        (r"/(gpt-5(?!\.[1-4]|-chat)|gpt-[6-9])", {"parameters": _without(*_SAMPLING, *_PENALTIES)}),
        # These think only when they are told to.
        (r"/gpt-5\.[1-4](?!-chat)", {"parameters_while_thinking": _without(*_SAMPLING, *_PENALTIES)}),
        (r"/gpt-(3|4)", {"efforts": _NO_EFFORTS}),
        # Open weights, by whoever hosts them: they always think.
        (r"^together/.*gpt-oss", {"think_field": "effort", "efforts": {**_AS_SAID, **_LOW_TO_HIGH}}),
        (r"^(cerebras|groq|together)/.*gpt-oss", {"efforts": {"none": "low"}}),
        # There it thinks as hard as it likes, or not at all.
        (r"^groq/.*qwen", {"efforts": {**_NO_EFFORTS, "none": "none"}}),
        (r"^perplexity/(?!.*deep-research)", {"efforts": _NO_EFFORTS}),
        # https://platform.claude.com/docs/en/about-claude/models/migration-guide
        (r"claude-(opus-4[.-]1|(opus|sonnet|haiku)-4[.-][56])\b", {"not_together": ("temperature", "top_p")}),
        (r"claude-(opus|sonnet)-4[.-]6\b", {"efforts": {"xhigh": "max"}}),
        (r"claude-(opus-4[.-][7-9]\b|[a-z]+-([5-9]\b|preview))", {"parameters": _without(*_SAMPLING)}),
        # https://ai.google.dev/gemini-api/docs/thinking and /gemini-3
        (r"gemini-2\.5-pro", {"efforts": {"none": "minimal"}}),
        (r"gemini-3", {"parameters": _without(*_PENALTIES)}),
        (r"gemini-3.*-pro|gemini-3\.[7-9]", {"efforts": {"none": "low", "minimal": "low"}}),
        (r"gemini-3\.(5-flash-lite|[6-9])", {"parameters": _without(*_SAMPLING)}),
        # https://docs.x.ai/developers/model-capabilities/text/reasoning
        (r"/grok-(3-mini|[4-9]|code|build)(?!.*non-reasoning)", {"parameters": _without("stop", *_PENALTIES)}),
        (r"^xai/grok-(3(?!-mini)|4(?!\.[3-9])|code|build)", {"efforts": _NO_EFFORTS}),
        (r"^xai/grok-3-mini", {"efforts": {"medium": "high"}}),
        (r"^xai/grok-4\.3", {"efforts": {"none": "none"}}),
        # https://platform.kimi.ai/docs/api/models-overview: another temperature than its own is an error
        (r"kimi-k(2\.[5-9]|[3-9])", {"parameters": _without("temperature", "top_p", *_PENALTIES)}),
        (r"^moonshot/kimi-k(2\.7-code|2-thinking|[3-9])", {"efforts": {"none": False}}),
        (r"^moonshot/kimi-k[3-9]", {"think_field": "effort", "efforts": {**_AS_SAID, **_LOW_HIGH_MAX}}),
        # They answer 400 if a turn with tool calls comes back without its reasoning.
        (r"deepseek|kimi|moonshot", {"reasoning_back": True}),
    )
)
