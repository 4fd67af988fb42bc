"""What a server's tool answers, as content for models."""

import json

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from agentrouted_protocol.client_requests import ToolCallResult
from agentrouted_protocol.messages import FilePart, ImagePart, Part, TextPart


def told(result: CallToolResult) -> ToolCallResult:
    """Text where all of it is text, else parts. Structured content counts where no text says the same."""
    parts = [_part(block) for block in result.content]
    if result.structured_content is not None and not any(isinstance(part, TextPart) for part in parts):
        parts.append(TextPart(text=json.dumps(result.structured_content, ensure_ascii=False)))
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return ToolCallResult(content="\n".join(texts) if len(texts) == len(parts) else parts, is_error=result.is_error)


def _part(block: ContentBlock) -> Part:
    match block:
        case TextContent():
            return TextPart(text=block.text)
        case ImageContent():
            return ImagePart(data=block.data, mime_type=block.mime_type)
        case AudioContent():
            return FilePart(data=block.data, mime_type=block.mime_type)
        case EmbeddedResource():
            return _resource(block.resource)
        case ResourceLink():
            return TextPart(text=f"{block.title or block.name}: {block.uri}")


def _resource(resource: TextResourceContents | BlobResourceContents) -> Part:
    if isinstance(resource, TextResourceContents):
        return TextPart(text=resource.text)
    return FilePart(data=resource.blob, mime_type=resource.mime_type or "application/octet-stream", name=resource.uri)
