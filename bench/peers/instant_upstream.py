"""A model server that answers at once, with canned bytes."""

import asyncio
import json
import sys
from typing import Any

NAMED = {"id": "chatcmpl-1", "created": 0, "model": "test-model"}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
MESSAGE = {"role": "assistant", "content": "Hello world"}
DELTAS = [
    [{"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": None}],
    [{"index": 0, "delta": {"content": " world"}, "finish_reason": None}],
    [{"index": 0, "delta": {}, "finish_reason": "stop"}],
]


def reply(kind: str, body: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def event(choices: list[Any], **more: Any) -> str:
    return f"data: {json.dumps({**NAMED, 'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n"


STREAM = reply("text/event-stream", "".join(map(event, DELTAS)) + event([], usage=USAGE) + "data: [DONE]\n\n")
CHOICE = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
WHOLE = reply(
    "application/json", json.dumps({**NAMED, "object": "chat.completion", "choices": [CHOICE], "usage": USAGE})
)


class Instant(asyncio.Protocol):
    """Reads each request to its end, and looks at no more of it than whether a stream is wanted."""

    def connection_made(self, transport: Any) -> None:
        transport.max_size = 65536
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if end and len(body) >= length:
            self.data = body[length:]
            self.transport.write(STREAM if b'"stream":true' in body.replace(b" ", b"") else WHOLE)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
