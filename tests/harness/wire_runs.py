"""Runs over the wire: what is asked for, heard and answered."""

import asyncio
from pathlib import Path
from typing import Any

from harness.peer import TIME_LIMIT, Peer, frame

from agentrouted.testing.upstream import Received, Upstream

ADD = {
    "name": "add",
    "description": "Adds two numbers.",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
}


def params(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {"model": f"{upstream.url}/test-model", "prompt": "Hi", **more}


def events(peer: Peer) -> list[dict[str, Any]]:
    return [message["params"] for message in peer.seen if message.get("method") == "run/event"]


async def answer_tool(peer: Peer, **answer: Any) -> dict[str, Any]:
    """Wait for a question of the daemon and answer it; its params."""
    while True:
        message = await peer.read()
        if "method" in message and "id" in message:
            peer.send(frame({"jsonrpc": "2.0", "id": message["id"], **answer}))
            return dict(message["params"])


async def closed_early(upstream: Upstream) -> Received:
    async with asyncio.timeout(TIME_LIMIT):
        received = await upstream.received()
        await received.closed_early.wait()
    return received


def write_config(home: Path, text: str) -> None:
    (home / ".agentroute").mkdir()
    (home / ".agentroute" / "config.yaml").write_text(text)
