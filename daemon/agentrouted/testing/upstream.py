"""A model server that says what it is told, over real HTTP."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agentrouted.testing.connection import Connection, Received
from agentrouted.testing.replies import Reply
from agentrouted.testing.scripts import SCRIPTS

__all__ = ["Received", "Reply", "Upstream"]

Scripted = Reply | Callable[[Received], Reply]

# What Ollama answers and others do not. Only a function in the script may know better.
_NO_OLLAMA = frozenset({"/api/version", "/api/ps", "/api/show"})


class Upstream:
    """An OpenAI-compatible server on a free port, or on a Unix socket, that answers from a script.

    Each request takes the next reply of the script; the last one answers all that follow. `GET …/models` is
    answered from `models`, beside the script; where they are None, by the script. `beside` has the replies to other
    paths; without one for `/api/version` it is no Ollama.

        async with Upstream([Reply.tool_call("add", {"a": 1}), Reply.text("It is ", "3.")]) as upstream:
            ...  # use upstream.url
        assert upstream.requests[0].body["model"] == "llama3"
    """

    def __init__(
        self,
        script: Sequence[Scripted] = (Reply.text("Hello", " world"),),
        *,
        models: Sequence[str] | None = ("test-model",),
        beside: Mapping[str, Reply] | None = None,
        socket_path: Path | None = None,
    ) -> None:
        self.url = "http://localhost/v1"
        self.requests: list[Received] = []
        self.connections = 0
        self._script = list(script)
        self._models = models
        self._beside = beside or {}
        self._socket_path = socket_path
        self._arrived: asyncio.Queue[Received] = asyncio.Queue()
        self._open: set[asyncio.Task[Any]] = set()

    async def received(self) -> Received:
        """The next request, as soon as it is there."""
        return await self._arrived.get()

    async def __aenter__(self) -> Self:
        if self._socket_path:
            self._server = await asyncio.start_unix_server(self._connected, self._socket_path)
        else:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own, so that ending it is not an error that asyncio's server reports. Ended before its first
        # step it would not close.
        self.connections += 1
        task = asyncio.create_task(Connection(reader, writer).serve(self._answer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        task.add_done_callback(lambda _: writer.close())

    def _answer(self, request: Received) -> Reply:
        if self._models is not None and request.method == "GET" and request.path.endswith("/models"):
            return Reply.json({"object": "list", "data": [{"id": name, "object": "model"} for name in self._models]})
        if reply := self._beside.get(request.path):
            return reply
        if request.path in _NO_OLLAMA and isinstance(self._script[0], Reply):
            return Reply.status(404)
        self.requests.append(request)
        self._arrived.put_nowait(request)
        scripted = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        return scripted if isinstance(scripted, Reply) else scripted(request)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m agentrouted.testing.upstream", description=__doc__)
    parser.add_argument("--script", choices=sorted(SCRIPTS), default="hello")
    parser.add_argument("--port-file", type=Path, help="write the port to this file when ready")
    arguments = parser.parse_args()
    asyncio.run(_serve(SCRIPTS[arguments.script], arguments.port_file))


async def _serve(script: Sequence[Scripted], port_file: Path | None) -> None:
    async with Upstream(script) as upstream:
        _announce(upstream.url, port_file)
        await asyncio.Event().wait()


def _announce(url: str, port_file: Path | None) -> None:
    if port_file:
        port_file.write_text(url.rpartition(":")[2].removesuffix("/v1"))
    sys.stdout.write(url + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
