"""The wire formats, by the name that an endpoint has."""

from collections.abc import Callable, Mapping
from typing import Final

from agentrouted.core.wire.base import WireFormat
from agentrouted.core.wire.chat_completions import ChatCompletions
from agentrouted.core.wire.gemini_generate_content import GeminiGenerateContent
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.ollama_chat import OllamaChat

FORMATS: Final[Mapping[str, Callable[[HttpClient], WireFormat]]] = {
    "chat_completions": ChatCompletions,
    "gemini_generate_content": GeminiGenerateContent,
    "ollama_chat": OllamaChat,
}
