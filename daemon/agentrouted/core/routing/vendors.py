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
    base_url: str | None
    """None where each customer has an address of their own."""

    key_variables: tuple[str, ...]
    """The vendor's own names for the environment variable."""

    keys_page: str
    """Where people get a key."""

    docs_page: str
    """Where its API is described."""

    base_form: str | None = None
    """What the address looks like, where each customer has another."""

    base_variables: tuple[str, ...] = ()
    """The vendor's own names for the environment variable that holds the address."""

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
    docs_page="https://openrouter.ai/docs/api/reference/overview",
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
            docs_page="https://platform.openai.com/docs/api-reference",
            json_schema=True,
        ),
        Vendor(
            "azure",
            None,
            ("AZURE_OPENAI_API_KEY",),
            "https://portal.azure.com",
            docs_page="https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle",
            base_form="https://RESOURCE.openai.azure.com/openai/v1",
            base_variables=("AZURE_OPENAI_ENDPOINT",),
            json_schema=True,
        ),
        Vendor(
            "anthropic",
            "https://api.anthropic.com/v1",
            ("ANTHROPIC_API_KEY",),
            "https://console.anthropic.com/settings/keys",
            docs_page="https://platform.claude.com/docs/en/api/overview",
            wire="anthropic_messages",
            json_schema=True,
        ),
        Vendor(
            "google",
            "https://generativelanguage.googleapis.com/v1beta",
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            "https://aistudio.google.com/apikey",
            docs_page="https://ai.google.dev/api",
            wire="gemini_generate_content",
            json_schema=True,
        ),
        Vendor(
            "huggingface",
            "https://router.huggingface.co/v1",
            ("HF_TOKEN",),
            "https://huggingface.co/settings/tokens",
            docs_page="https://huggingface.co/docs/inference-providers",
        ),
        Vendor(
            "groq",
            "https://api.groq.com/openai/v1",
            ("GROQ_API_KEY",),
            "https://console.groq.com/keys",
            docs_page="https://console.groq.com/docs/api-reference",
        ),
        Vendor(
            "mistral",
            "https://api.mistral.ai/v1",
            ("MISTRAL_API_KEY",),
            "https://console.mistral.ai/api-keys",
            docs_page="https://docs.mistral.ai/api",
            json_schema=True,
        ),
        Vendor(
            "deepseek",
            "https://api.deepseek.com/v1",
            ("DEEPSEEK_API_KEY",),
            "https://platform.deepseek.com/api_keys",
            docs_page="https://api-docs.deepseek.com",
        ),
        Vendor(
            "together",
            "https://api.together.xyz/v1",
            ("TOGETHER_API_KEY",),
            "https://api.together.ai/settings/api-keys",
            docs_page="https://docs.together.ai/docs/inference/openai-compatibility",
        ),
        Vendor(
            "fireworks",
            "https://api.fireworks.ai/inference/v1",
            ("FIREWORKS_API_KEY",),
            "https://app.fireworks.ai/settings/users/api-keys",
            docs_page="https://docs.fireworks.ai/api-reference/post-chatcompletions",
            json_schema=True,
        ),
        Vendor(
            "xai",
            "https://api.x.ai/v1",
            ("XAI_API_KEY",),
            "https://console.x.ai",
            docs_page="https://docs.x.ai/developers/model-capabilities/text/generate-text",
            json_schema=True,
        ),
        Vendor(
            "cerebras",
            "https://api.cerebras.ai/v1",
            ("CEREBRAS_API_KEY",),
            "https://cloud.cerebras.ai",
            docs_page="https://inference-docs.cerebras.ai/api-reference/chat-completions",
        ),
        Vendor(
            "perplexity",
            "https://api.perplexity.ai",
            ("PERPLEXITY_API_KEY",),
            "https://www.perplexity.ai/settings/api",
            docs_page="https://docs.perplexity.ai/docs/sonar/openai-compatibility",
            json_schema=True,
        ),
        Vendor(
            "nvidia",
            "https://integrate.api.nvidia.com/v1",
            ("NVIDIA_API_KEY",),
            "https://build.nvidia.com",
            docs_page="https://docs.api.nvidia.com/nim/reference/llm-apis",
        ),
        Vendor(
            "moonshot",
            "https://api.moonshot.ai/v1",
            ("MOONSHOT_API_KEY",),
            "https://platform.kimi.ai/console/api-keys",
            docs_page="https://platform.kimi.ai/docs/overview",
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
