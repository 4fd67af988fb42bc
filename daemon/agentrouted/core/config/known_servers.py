"""Providers by the names that other routers give them."""

# What `core/routing` knows of vendors lies above this room; a test sees to it that both say the same.

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class KnownServer:
    name: str
    """As our config calls it."""

    base: str
    key_variable: str | None = None
    """Where other routers look for its key; None for servers of one's own."""

    protocol: str | None = None
    """What it speaks, if not OpenAI's chat completions; for our own servers, what the name alone would find out."""

    needs_address: bool = False
    """The name alone does not tell us where it is."""

    @property
    def is_local_kind(self) -> bool:
        return self.key_variable is None

    @property
    def key(self) -> str | None:
        """As it is written in our config."""
        return f"${{{self.key_variable}}}" if self.key_variable else None


def known_server(name: str) -> KnownServer | None:
    """For `openAI`, `together_ai`, `hosted_vllm` and the like."""
    spelled = name.lower().replace("_", "").replace("-", "")
    return _BY_NAME.get(_OTHER_SPELLINGS.get(spelled, spelled))


def known_server_at(base: str) -> KnownServer | None:
    """The one whose own address it is; `localhost` and 127.0.0.1 are the same."""
    return _BY_BASE.get(_canonical(base))


def _canonical(base: str) -> str:
    return base.lower().rstrip("/").replace("//127.0.0.1:", "//localhost:").replace("//0.0.0.0:", "//localhost:")


_ROWS: Final = (
    KnownServer("ollama", "http://localhost:11434/v1", protocol="ollama_chat"),
    KnownServer("vllm", "http://localhost:8000/v1"),
    KnownServer("lm_studio", "http://127.0.0.1:1234/v1"),
    KnownServer("llamacpp", "http://localhost:8080/v1"),
    KnownServer("tgi", "http://localhost:3000/v1"),
    KnownServer("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    KnownServer("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "anthropic_messages"),
    KnownServer(
        "google", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", "gemini_generate_content"
    ),
    KnownServer("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    KnownServer("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
    KnownServer("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    KnownServer("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    KnownServer("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    KnownServer("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    KnownServer("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    KnownServer("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    KnownServer("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    KnownServer("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    KnownServer("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    KnownServer("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    KnownServer(
        "alibaba", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "ALIBABA_API_KEY", needs_address=True
    ),
    KnownServer(
        "dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", needs_address=True
    ),
    KnownServer("baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY", needs_address=True),
    KnownServer("bitrouter", "https://api.bitrouter.ai/v1", "BITROUTER_API_KEY", needs_address=True),
    KnownServer("chutes", "https://llm.chutes.ai/v1", "CHUTES_API_KEY", needs_address=True),
    KnownServer("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", needs_address=True),
    KnownServer("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY", needs_address=True),
    KnownServer("minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY", needs_address=True),
    KnownServer("opencode-zen", "https://opencode.ai/zen/v1", "OPENCODE_ZEN_API_KEY", needs_address=True),
    KnownServer("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", needs_address=True),
    KnownServer("siliconflow", "https://api.siliconflow.com/v1", "SILICONFLOW_API_KEY", needs_address=True),
    KnownServer("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", needs_address=True),
)

_OTHER_SPELLINGS: Final[Mapping[str, str]] = {
    "fireworksai": "fireworks",
    "gemini": "google",
    "hostedvllm": "vllm",
    "llamafile": "llamacpp",
    "moonshotai": "moonshot",
    "nvidianim": "nvidia",
    "ollamachat": "ollama",
    "togetherai": "together",
}

_BY_NAME: Final = {row.name.replace("_", "").replace("-", ""): row for row in _ROWS}
_BY_BASE: Final = {_canonical(row.base): row for row in reversed(_ROWS)}
