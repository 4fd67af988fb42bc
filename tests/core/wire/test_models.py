"""What a server says it can run."""

import asyncio
from typing import Any

import pytest
from harness.wire import endpoint

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.http import HttpClient
from agentrouted.core.wire.models import Listed, list_models
from agentrouted.testing.upstream import Upstream


async def test_the_models_of_a_server_are_listed(http: HttpClient) -> None:
    async with Upstream(models=["llama3", "qwen2.5-coder:7b"]) as upstream:
        assert [model.id for model in await list_models(http, endpoint(upstream.url))] == ["llama3", "qwen2.5-coder:7b"]
        assert upstream.requests == []


async def served(http: HttpClient, body: bytes) -> list[Listed]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        try:
            return await list_models(http, endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        finally:
            await http.aclose()


async def test_entries_that_are_no_models_are_left_out(http: HttpClient) -> None:
    listed = await served(http, b'{"data": [{"id": "a"}, {"name": "b"}, "c", null, {"id": 7}]}')
    assert [model.id for model in listed] == ["a"]


async def test_an_ollama_without_models_lists_none(http: HttpClient) -> None:
    assert await served(http, b'{"object": "list", "data": null}') == []


@pytest.mark.parametrize(
    ("owner", "software"),
    [
        ("llamacpp", "llamacpp"),
        ("vllm", "vllm"),
        ("library", "ollama"),
        ("organization_owner", "lm_studio"),
        ("m", "tgi"),
        ("somebody", None),
    ],
)
async def test_a_list_tells_what_made_it(http: HttpClient, owner: str, software: str | None) -> None:
    (listed,) = await served(http, b'{"data": [{"id": "m", "owned_by": "%b"}]}' % owner.encode())
    assert listed.software == software


@pytest.mark.parametrize("body", [b"<html>", b"", b"7", b'{"data": null}', b"{}"])
async def test_what_is_no_list_is_an_error(http: HttpClient, body: Any) -> None:
    with pytest.raises(AgentroutedError) as caught:
        await served(http, body)
    assert caught.value.kind == "responseInvalid"


async def test_a_server_that_is_not_there_is_unreachable(http: HttpClient) -> None:
    with pytest.raises(AgentroutedError) as caught:
        await list_models(http, endpoint("http://127.0.0.1:9/v1", local=True))
    assert caught.value.kind == "providerUnreachable"
