"""A client of bytes: spawns the daemon and says exactly what it is told."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

TIME_LIMIT = 20.0
COMMAND = (sys.executable, "-m", "agentrouted")


def frame(message: Any) -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def request(id_: Any, method: str, params: Any = None) -> bytes:
    return frame({"jsonrpc": "2.0", "id": id_, "method": method} | ({} if params is None else {"params": params}))


def notification(method: str, params: Any = None) -> bytes:
    return frame({"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params}))


class Peer:
    """The two ends of a connection. Messages that are not waited for are kept in `seen`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.seen: list[dict[str, Any]] = []
        self._last_id = 1000

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(TIME_LIMIT):
            header = await self.reader.readuntil(b"\r\n\r\n")
            name, _, length = header.decode().partition(":")
            assert name == "Content-Length"
            message = json.loads(await self.reader.readexactly(int(length)))
        self.seen.append(message)
        return dict(message)

    async def answer(self, id_: Any) -> dict[str, Any]:
        """The answer to a request, notifications before it passed over."""
        while True:
            message = await self.read()
            if "method" not in message and message.get("id") == id_:
                return message

    async def until(self, method: str, **fields: Any) -> dict[str, Any]:
        """The next message of that method whose params have these fields."""
        while True:
            message = await self.read()
            params = message.get("params") or {}
            if message.get("method") == method and all(params.get(key) == value for key, value in fields.items()):
                return message

    async def call(self, method: str, params: Any = None) -> Any:
        """Send a request and wait for its result, or its error."""
        self._last_id += 1
        self.send(request(self._last_id, method, params))
        answer = await self.answer(self._last_id)
        return answer["result"] if "result" in answer else answer["error"]

    async def initialize(self, **options: Any) -> Any:
        result = await self.call("initialize", {"capabilities": {}, "initializationOptions": {"agentrouted": options}})
        self.send(notification("initialized", {}))
        return result

    async def end(self) -> bytes:
        """What still comes until the other side closes."""
        async with asyncio.timeout(TIME_LIMIT):
            return await self.reader.read()


class Spawned(Peer):
    """A daemon of our own, over its stdin and stdout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        super().__init__(process.stdout, process.stdin)
        self.process = process

    async def exit_code(self) -> int:
        async with asyncio.timeout(TIME_LIMIT):
            return await self.process.wait()


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """No keys, no config, no daemon of the person who runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    runtime = home / "run"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), **more}


@asynccontextmanager
async def spawned(home: Path, *arguments: str, environment: dict[str, str] | None = None) -> AsyncIterator[Spawned]:
    with (home / "stderr.txt").open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *(arguments or ("--stdio",)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment or clean_environment(home),
            limit=1 << 26,
        )
    peer = Spawned(process)
    try:
        yield peer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        peer.writer.close()


@asynccontextmanager
async def initialized(home: Path, **options: Any) -> AsyncIterator[Spawned]:
    """A spawned daemon whose session is open."""
    async with spawned(home) as peer:
        await peer.initialize(**options)
        yield peer


@asynccontextmanager
async def serving(home: Path, at: Path | None = None) -> AsyncIterator[Path]:
    """A shared daemon; yields its socket once it is there."""
    socket = at or home / "v1.sock"
    async with spawned(home, "serve", "--listen", str(socket)) as daemon:
        async with asyncio.timeout(TIME_LIMIT):
            while not socket.exists():
                assert daemon.process.returncode is None, (home / "stderr.txt").read_text()
                await asyncio.sleep(0.01)
        yield socket


@asynccontextmanager
async def joined(socket: Path) -> AsyncIterator[Peer]:
    """One more client of a shared daemon, its session not yet open."""
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=1 << 26)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def connected(socket: Path, **options: Any) -> AsyncIterator[Peer]:
    """One more client of a shared daemon, its session open."""
    async with joined(socket) as peer:
        await peer.initialize(**options)
        yield peer


def errors(messages: Sequence[dict[str, Any]]) -> list[tuple[Any, int]]:
    """The id and code of each error among the messages."""
    return [(message["id"], message["error"]["code"]) for message in messages if "error" in message]
