"""Servers of models that are known by name, as rows."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalKind:
    """A kind of server that people run themselves: always a direct route, and needs no key."""

    name: str
    base_url: str | None
    """Where it listens unless told otherwise; None for the engine inside the daemon."""

    base_variables: tuple[str, ...]
    key_variables: tuple[str, ...]
    better_wire: str | None = None
    """The format that it may have besides OpenAI's chat completions, and that says more."""

    json_schema: bool = True
    """It holds replies to a JSON Schema that comes as OpenAI has it."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """A hosted provider."""

    name: str
    base_url: str
    key_variables: tuple[str, ...]
    """The vendor's own names for the environment variable."""

    keys_page: str
    """Where people get a key."""

    wire: str = "chat_completions"
    """The format that it speaks, unless the config says otherwise."""

    json_schema: bool = False
    """Its documentation promises replies that follow a JSON Schema. Others take one, and some of them ignore it."""


LOCAL_KINDS: Mapping[str, LocalKind] = {
    kind.name: kind
    for kind in (
        LocalKind(
            "ollama",
            "http://localhost:11434/v1",
            ("OLLAMA_BASE_URL", "OLLAMA_HOST"),
            ("OLLAMA_API_KEY",),
            better_wire="ollama_chat",
        ),
        LocalKind("vllm", "http://localhost:8000/v1", ("VLLM_BASE_URL",), ("VLLM_API_KEY",)),
        LocalKind(
            "lm_studio", "http://127.0.0.1:1234/v1", ("LMSTUDIO_BASE_URL",), ("LM_STUDIO_API_KEY", "LMSTUDIO_API_KEY")
        ),
        LocalKind("llamacpp", "http://localhost:8080/v1", ("LLAMACPP_BASE_URL",), ("LLAMACPP_API_KEY",)),
        # The launcher's own port; its Docker pages use 8080, which is llama.cpp's.
        LocalKind("tgi", "http://localhost:3000/v1", ("TGI_BASE_URL",), ("TGI_API_KEY",), json_schema=False),
        LocalKind("local", None, (), ()),
    )
}

OPENROUTER = Vendor(
    "openrouter",
    "https://openrouter.ai/api/v1",
    ("AGENTROUTE_API_KEY", "OPENROUTER_API_KEY"),
    "https://openrouter.ai/settings/keys",
)

VENDORS: Mapping[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        OPENROUTER,
        Vendor(
            "openai",
            "https://api.openai.com/v1",
            ("OPENAI_API_KEY",),
            "https://platform.openai.com/api-keys",
            json_schema=True,
        ),
        Vendor(
            "anthropic",
            "https://api.anthropic.com/v1",
            ("ANTHROPIC_API_KEY",),
            "https://console.anthropic.com/settings/keys",
            wire="anthropic_messages",
            json_schema=True,
        ),
        Vendor(
            "google",
            "https://generativelanguage.googleapis.com/v1beta",
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            "https://aistudio.google.com/apikey",
            wire="gemini_generate_content",
            json_schema=True,
        ),
        Vendor(
            "huggingface",
            "https://router.huggingface.co/v1",
            ("HF_TOKEN",),
            "https://huggingface.co/settings/tokens",
        ),
        Vendor("groq", "https://api.groq.com/openai/v1", ("GROQ_API_KEY",), "https://console.groq.com/keys"),
        Vendor(
            "mistral",
            "https://api.mistral.ai/v1",
            ("MISTRAL_API_KEY",),
            "https://console.mistral.ai/api-keys",
            json_schema=True,
        ),
        Vendor(
            "deepseek",
            "https://api.deepseek.com/v1",
            ("DEEPSEEK_API_KEY",),
            "https://platform.deepseek.com/api_keys",
        ),
        Vendor(
            "together",
            "https://api.together.xyz/v1",
            ("TOGETHER_API_KEY",),
            "https://api.together.ai/settings/api-keys",
        ),
        Vendor(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            ("FIREWORKS_API_KEY",),
            "https://app.fireworks.ai/settings/users/api-keys",
            json_schema=True,
        ),
        Vendor(
            "xai",
            "https://api.x.ai/v1",
            ("XAI_API_KEY",),
            "https://console.x.ai",
            json_schema=True,
        ),
        Vendor("cerebras", "https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",), "https://cloud.cerebras.ai"),
        Vendor(
            "perplexity",
            "https://api.perplexity.ai",
            ("PERPLEXITY_API_KEY",),
            "https://www.perplexity.ai/settings/api",
            json_schema=True,
        ),
        Vendor("nvidia", "https://integrate.api.nvidia.com/v1", ("NVIDIA_API_KEY",), "https://build.nvidia.com"),
        Vendor(
            "moonshot",
            "https://api.moonshot.ai/v1",
            ("MOONSHOT_API_KEY",),
            "https://platform.moonshot.ai/console/api-keys",
        ),
    )
}

_BARE_NAMES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("claude",), "anthropic"),
    (("gpt", "o1", "o3", "o4"), "openai"),
    (("gemini",), "google"),
    (("llama",), "meta-llama"),
    (("deepseek",), "deepseek"),
    (("mistral",), "mistralai"),
)


def vendor_of(model: str) -> str | None:
    """The vendor under which OpenRouter lists a model that is named without one."""
    lowered = model.lower()
    return next((vendor for beginnings, vendor in _BARE_NAMES if lowered.startswith(beginnings)), None)
