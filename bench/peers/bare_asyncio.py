"""The limit of an asyncio server: a canned answer, unread."""

import asyncio
import sys
from pathlib import Path
from typing import Any

BODY = b'{"jsonrpc":"2.0","id":100000,"result":%b}' % Path(sys.argv[1]).read_bytes()
ANSWER = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Canned(asyncio.Protocol):
    """Answers each end of a header, whatever the header is of."""

    def __init__(self, output: Any = None) -> None:
        self.output = output
        self.tail = b""

    def connection_made(self, transport: Any) -> None:
        transport.max_size = 65536
        self.output = self.output or transport

    def data_received(self, data: bytes) -> None:
        data = self.tail + data
        self.tail = data[-3:]
        self.output.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve() -> None:
    loop = asyncio.get_running_loop()
    if len(sys.argv) > 2:
        await loop.create_unix_server(Canned, sys.argv[2])
    else:
        output, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sys.stdout)
        await loop.connect_read_pipe(lambda: Canned(output), sys.stdin)
    await asyncio.Event().wait()


asyncio.run(serve())
