"""The ways out: httpx over aiohttp, and which proxy when."""

import asyncio
import base64
from pathlib import Path
from typing import Any
from urllib.request import getproxies, proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

import aiohttp
import httpx
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport

from agentrouted.core.loopback import is_loopback
from agentrouted.core.wire.sending import WHEN_SENT

_MAX_CONNECTIONS = 4096  # aiohttp's own limit, 100, is fewer than the runs we carry at once.

# What stands before hosted servers sends headers that are longer than aiohttp's own limit, 8 KiB.
_MAX_HEADER_BYTES = 64 * 1024

# Servers built on uvicorn or cpp-httplib hang up after 5 idle seconds. We leave before, else a request meets the door.
_LOCAL_KEEP_ALIVE = 4.0
_KEEP_ALIVE = 30.0

_Key = tuple[str | None, str | None, float]
"""Socket, proxy, and the seconds that a connection is kept."""


class Transport(httpx.AsyncBaseTransport):
    """Picks the way out: a Unix socket, this machine, or the network through the proxies of the environment.

    The extension `socket_path` of a request names a Unix socket. This machine is never reached through a proxy.
    """

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context()
        self._proxies = getproxies()
        self._ways: dict[_Key, AiohttpTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        socket_path = request.extensions.get("socket_path")
        if socket_path and (socket_path, None, _LOCAL_KEEP_ALIVE) not in self._ways:
            for way in self._take_out_dead_sockets():
                await way.aclose()
        way = self._way(request)
        if way.proxy is not None and request.url.scheme == "http":
            # aiohttp shows these to the proxy only when it opens a tunnel.
            request.headers.update(way.proxy.headers)
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        for way in self._ways.values():
            await way.aclose()

    def _way(self, request: httpx.Request) -> AiohttpTransport:
        socket_path = request.extensions.get("socket_path")
        if socket_path or is_loopback(request.url.host):
            return self._kept(socket_path, None, _LOCAL_KEEP_ALIVE)
        return self._kept(None, self._proxy(request.url), _KEEP_ALIVE)

    def _kept(self, socket_path: str | None, proxy: str | None, keep_alive: float) -> AiohttpTransport:
        key = (socket_path, proxy, keep_alive)
        if key not in self._ways:
            self._ways[key] = self._open(socket_path, proxy, keep_alive)
        return self._ways[key]

    def _take_out_dead_sockets(self) -> list[AiohttpTransport]:
        """Each start of an embedded engine makes a socket of its own, which is gone with it."""
        dead = [key for key in self._ways if key[0] and not Path(key[0]).exists()]
        return [self._ways.pop(key) for key in dead]

    def _proxy(self, url: httpx.URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        return None if proxy is None or proxy_bypass_environment(url.netloc.decode(), self._proxies) else proxy

    def _open(self, socket_path: str | None, proxy: str | None, keep_alive: float) -> AiohttpTransport:
        usable = _as_proxy(proxy) if proxy else None
        connector: aiohttp.BaseConnector
        if socket_path:
            # llama.cpp hangs up after each stream, without saying so: the next request would meet that.
            connector = aiohttp.UnixConnector(socket_path, limit=_MAX_CONNECTIONS, force_close=True)
        else:
            connector = aiohttp.TCPConnector(ssl=self._tls, limit=_MAX_CONNECTIONS, keepalive_timeout=keep_alive)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_SmallReads,
            max_field_size=_MAX_HEADER_BYTES,
        )
        return AiohttpTransport(verify=self._tls, client=session, proxy=usable)


class _SmallReads(aiohttp.ClientResponse):
    """asyncio reads into 256 KiB, which is a mapping and unmapping of memory for every word of a stream."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        transport: Any = connection.transport
        if hasattr(transport, "max_size"):
            transport.max_size = 65536
        if tell := WHEN_SENT.get():
            # The request is written by a task that was made before: its turn comes first.
            asyncio.get_running_loop().call_soon(tell)
        return await super().start(connection)


def _as_proxy(address: str) -> httpx.Proxy:
    """The name and password in the address as the header that aiohttp wants them in."""
    try:
        url = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        raise httpx.ProxyError("the address of the proxy is none") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise httpx.ProxyError("the proxy does not speak HTTP")
    if not url.userinfo:
        return httpx.Proxy(url)
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return httpx.Proxy(url.copy_with(userinfo=b""), headers={"Proxy-Authorization": f"Basic {credentials}"})
