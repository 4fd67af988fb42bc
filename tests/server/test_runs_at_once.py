"""A thousand runs at once on one daemon."""

import asyncio
from pathlib import Path

from harness.peer import connected, request, serving

from agentrouted.testing.upstream import Received, Reply, Upstream

CLIENTS, RUNS = 5, 200


async def test_a_thousand_runs_at_once_are_not_mixed_up(tmp_path: Path) -> None:
    all_here = asyncio.Event()

    def echo(received: Received) -> Reply:
        if len(upstream.requests) == CLIENTS * RUNS:
            all_here.set()
        return Reply.text(received.body["messages"][-1]["content"]).held(all_here)

    async def ask(client: int, socket: Path) -> set[tuple[str, str]]:
        async with connected(socket, optOut=["run/event"]) as peer:
            for number in range(RUNS):
                params = {"model": f"{upstream.url}/m", "prompt": f"{client}-{number}"}
                peer.send(request(f"{client}-{number}", "runAgent", params))
            answers = [await peer.read() for _ in range(RUNS)]
            return {(answer["id"], answer["result"]["text"]) for answer in answers}

    async with Upstream([echo]) as upstream, serving(tmp_path) as socket:
        answers = await asyncio.gather(*(ask(client, socket) for client in range(CLIENTS)))
    told = set().union(*answers)
    assert len(told) == CLIENTS * RUNS and all(asked == text for asked, text in told)
