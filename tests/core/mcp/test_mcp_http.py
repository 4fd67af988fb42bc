"""MCP servers over streamable HTTP."""

import asyncio
from pathlib import Path

import pytest
from harness.tool_servers import free_port, on_http, opened, reports, tools_of
from pydantic import SecretStr

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.errors import ToolFailed
from agentrouted.testing.upstream import Reply, Upstream


async def test_tools_of_a_server_elsewhere_are_called_and_cancelled(tmp_path: Path) -> None:
    port = free_port()
    async with reports(tmp_path) as told, on_http(told, port), opened() as servers:
        tools = await tools_of(servers, McpServer(url=f"http://127.0.0.1:{port}/mcp"))
        assert (await tools["t__add"].call({"a": 1, "b": 2})).content == "3"
        waiting = asyncio.create_task(tools["t__wait"].call({}))
        assert await told.next() == "waiting"
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await told.next() == "stopped"


async def test_a_server_that_was_restarted_is_used_again_without_a_word(tmp_path: Path) -> None:
    port = free_port()
    settings = McpServer(url=f"http://127.0.0.1:{port}/mcp")
    async with reports(tmp_path) as told, opened() as servers:
        async with on_http(told, port):
            tools = await tools_of(servers, settings)
        async with on_http(told, port):
            assert (await tools["t__add"].call({"a": 1, "b": 2})).content == "3"


async def test_a_server_that_dies_in_a_call_fails_that_call(tmp_path: Path) -> None:
    port = free_port()
    async with reports(tmp_path) as told, on_http(told, port) as process, opened() as servers:
        tools = await tools_of(servers, McpServer(url=f"http://127.0.0.1:{port}/mcp", timeout=5))
        waiting = asyncio.create_task(tools["t__wait"].call({}))
        assert await told.next() == "waiting"
        process.kill()
        with pytest.raises(ToolFailed) as caught:
            await waiting
        assert "MCP server `t`" in caught.value.message


async def test_headers_are_sent_and_a_refusal_is_told_without_them() -> None:
    async with Upstream([Reply.status(401)]) as upstream, opened() as servers:
        settings = McpServer(url=upstream.url, headers={"Authorization": SecretStr("Bearer very-secret")})
        with pytest.raises(ToolFailed) as caught:
            await tools_of(servers, settings)
        assert upstream.requests[0].headers["authorization"] == "Bearer very-secret"
        assert "HTTP 401 Unauthorized" in caught.value.message and "very-secret" not in caught.value.message


async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    url = f"http://127.0.0.1:{free_port()}/mcp"
    async with opened() as servers:
        with pytest.raises(ToolFailed) as caught:
            await tools_of(servers, McpServer(url=url))
        assert f"MCP server `t` cannot be reached at {url}" in caught.value.message
