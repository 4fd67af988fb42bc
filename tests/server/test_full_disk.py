"""Runs on a disk that is full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from harness.peer import initialized

from agentrouted.testing.upstream import Reply, Upstream

# Compression makes no less than half of it.
LARGE = Random(0).randbytes(800_000).hex()


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """What is started meanwhile may write no larger ones."""
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))


async def test_a_run_that_finds_no_room_is_an_error_with_its_bill_and_others_go_on(tmp_path: Path) -> None:
    async with Upstream([Reply.text(LARGE), Reply.text("Hello")]) as upstream:
        params = {"model": f"{upstream.url}/m", "prompt": "Hi"}
        with files_up_to(600_000):
            async with initialized(tmp_path) as peer:
                error = await peer.call("runAgent", {**params, "runId": "large"})
                assert error["data"]["kind"] == "storage"
                assert error["data"]["usage"]["modelCalls"] == 1
                assert error["data"]["messages"][-1]["content"] == LARGE
                assert (await peer.call("runAgent", params))["text"] == "Hello"
                running = await peer.call("run/list", {"status": "running"})
                assert running["runs"] == []
        async with initialized(tmp_path) as peer:
            assert (await peer.call("run/get", {"runId": "large"}))["status"] == "interrupted"
