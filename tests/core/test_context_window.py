"""The context window that counts: the server's own, or less where the config says so."""

from pathlib import Path
from typing import Any

import pytest
from harness.wire import endpoint

from agentrouted.core.config.environment import Environment
from agentrouted.core.services import open_services
from agentrouted.testing.upstream import Reply, Upstream

PROPS = Reply.json({"default_generation_settings": {"n_ctx": 4096}})


@pytest.mark.parametrize(
    ("known", "window"),
    [
        ({"local": True}, 4096),
        ({"local": True, "context_window": 131072}, 4096),
        ({"local": True, "context_window": 1000}, 1000),
        ({"local": False, "context_window": 131072}, 131072),
        ({"local": False}, None),
    ],
)
async def test_a_local_server_knows_best_and_others_are_not_asked(
    tmp_path: Path, known: dict[str, Any], window: int | None
) -> None:
    async with (
        Upstream([PROPS]) as upstream,
        open_services(Environment({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path, tmp_path)) as services,
    ):
        asked = endpoint(upstream.url, provider="llamacpp", **known)
        assert await services.context_window(asked) == window
        assert len(upstream.requests) == asked.local
