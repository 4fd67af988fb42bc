"""The wire formats, by the name that an endpoint has."""

from collections.abc import Callable, Mapping
from typing import Final

from agentrouted.core.wire.anthropic_messages import AnthropicMessages
from agentrouted.core.wire.base import WireFormat
from agentrouted.core.wire.chat_completions import ChatCompletions
from agentrouted.core.wire.gemini_generate_content import GeminiGenerateContent
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.ollama_chat import OllamaChat
from agentrouted.core.wire.openai_responses import OpenAIResponses

FORMATS: Final[Mapping[str, Callable[[HttpClient], WireFormat]]] = {
    "anthropic_messages": AnthropicMessages,
    "chat_completions": ChatCompletions,
    "gemini_generate_content": GeminiGenerateContent,
    "ollama_chat": OllamaChat,
    "openai_responses": OpenAIResponses,
}
