"""Finding by meaning, through a real daemon."""

import sys
from pathlib import Path
from typing import Any

from harness.embeddings import openai, texts_in
from harness.peer import Peer, clean_environment, initialized
from harness.process import running

from agentrouted.testing.upstream import Upstream

NOBODY_ASKED = """
import asyncio, sys
from pathlib import Path
from agentrouted.core.agent.embedding_calls import embedding_for
from agentrouted.core.agent.configured_vectors import vectors_filled
from agentrouted.core.config.environment import Environment
from agentrouted.core.services import open_services
from agentrouted_protocol.memory import MemoryRecallParams, MemoryRememberParams

async def main():
    home = Path(sys.argv[1])
    async with open_services(Environment({"XDG_RUNTIME_DIR": sys.argv[1]}, home, home)) as services:
        async with vectors_filled(services):
            store = await services.memory.get()
            await store.remember(MemoryRememberParams(text="blue"))
            print(len(await store.recall(MemoryRecallParams(query="blue"), embedding_for(services))))
    print([name for name in sys.modules if name.partition(".")[0] == "numpy" or name.endswith("vectors.vectors")])

asyncio.run(main())
"""


def configure(home: Path, text: str) -> None:
    (home / ".agentroute").mkdir(exist_ok=True)
    (home / ".agentroute/config.yaml").write_text(text)


async def texts(peer: Peer, query: str, **more: Any) -> list[str]:
    return [hit["text"] for hit in (await peer.call("memory/recall", {"query": query, **more}))["hits"]]


async def test_a_reload_turns_it_on_and_off(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream, initialized(tmp_path) as peer:
        await peer.call("memory/remember", {"text": "I like blue", "key": "color"})
        assert await peer.call("memory/vectors", {"wait": True}) == {"done": 0, "missing": 0, "complete": False}
        assert await texts(peer, "favourite hue") == []

        configure(tmp_path, f"memory: {{vectors: {{model: '{upstream.url}/m'}}}}\n")
        await peer.call("config/reload")
        filled = await peer.call("memory/vectors", {"wait": True, "workDoneToken": "t"})
        assert filled == {"model": f"{upstream.url}/m", "done": 1, "missing": 0, "complete": True}
        progress = [each["params"]["value"]["kind"] for each in peer.seen if each.get("method") == "$/progress"]
        assert progress[0] == "begin" and progress[-1] == "end"
        assert await texts(peer, "favourite hue") == ["I like blue"]
        usage = await peer.call("usage", {"groupBy": ["kind"]})
        assert [(row["kind"], row["calls"]) for row in usage["rows"]] == [("embedding", 2)]

        await peer.call("memory/forget", {"key": "color"})
        assert await texts(peer, "favourite hue") == []
        configure(tmp_path, "")
        await peer.call("config/reload")
        assert "model" not in await peer.call("memory/vectors")
    assert texts_in(upstream.requests)[:2] == [["color: I like blue"], ["favourite hue"]]


async def test_a_daemon_that_ends_in_mid_call_leaves_the_turn_to_the_next(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream:
        configure(tmp_path, f"memory: {{vectors: {{model: '{upstream.url}/m'}}}}\n")
        async with initialized(tmp_path) as peer:
            await peer.call("memory/remember", {"text": "I like blue"})
            await upstream.received()
        async with initialized(tmp_path) as peer:
            assert (await peer.call("memory/vectors", {"wait": True}))["done"] == 1


async def test_off_it_takes_nothing_with_it(tmp_path: Path) -> None:
    async with running(
        sys.executable, "-c", NOBODY_ASKED, str(tmp_path), environment=clean_environment(tmp_path)
    ) as process:
        out, _ = await process.communicate()
    assert out.decode().split("\n")[:2] == ["1", "[]"]


async def test_what_a_client_says_in_a_folder_stays_within_its_boundary(tmp_path: Path) -> None:
    async with Upstream([openai]) as upstream:
        provider = f"providers: {{acme: {{api_base: '{upstream.url}', local: false, models: [{{id: m}}]}}}}\n"
        bounded = f"workspaces: {{'{tmp_path}/private': {{boundary: local}}}}\n"
        configure(tmp_path, f"memory: {{vectors: {{model: acme/m}}}}\n{provider}{bounded}")
        async with initialized(tmp_path, workspace=f"{tmp_path}/private") as peer:
            await peer.call("memory/remember", {"text": "blue"})
            await peer.call("memory/addMessages", {"sessionId": "s", "messages": [{"role": "user", "content": "tea"}]})
            await peer.call("memory/import", {"text": '[{"memory": "dog"}]'})
            told = await peer.call("memory/vectors", {"wait": True})
            assert (told["done"], told["missing"]) == (0, 3) and "local" in told["error"]
            exported = (await peer.call("memory/export"))["text"]
        # Taken in again by whoever works elsewhere, it is as it was.
        async with initialized(tmp_path, workspace=f"{tmp_path}/open") as peer:
            await peer.call("memory/forget", {"filter": {}})
            await peer.call("memory/clearMessages", {"sessionId": "s"})
            await peer.call("memory/import", {"text": exported})
            assert (await peer.call("memory/export"))["text"] == exported
            assert (await peer.call("memory/vectors", {"wait": True}))["missing"] == 3
    assert upstream.requests == []
