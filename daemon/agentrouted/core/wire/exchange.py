"""One request and its reply, with all faults made ours."""

import contextlib
from collections.abc import AsyncIterator
from functools import lru_cache

import httpx

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import AgentroutedError, ConfigInvalid
from agentrouted.core.wire.faults import FOREIGN, Wait, interrupted, not_sent, too_slow
from agentrouted.core.wire.key_headers import key_headers
from agentrouted.core.wire.patience import Patience
from agentrouted.core.wire.refusals import refused
from agentrouted.core.wire.repeated import said_in
from agentrouted.core.wire.reply_headers import request_id
from agentrouted.core.wire.transport import Transport
from agentrouted_protocol.version import __version__

_REFUSAL_BYTES = 65536
_REFUSAL_SECONDS = 5.0
_DRAIN_SECONDS = 0.1
_PIECE_BYTES = 1024 * 1024

_HEADERS = {
    "accept": "text/event-stream, application/json",
    # What streams word by word is not worth packing.
    "accept-encoding": "identity",
    "content-type": "application/json",
    "user-agent": f"agentrouted/{__version__}",
}


async def exchange(transport: Transport, endpoint: Endpoint, method: str, path: str, body: bytes) -> "Exchange":
    """Sends the request and waits for the reply to begin. A refusal is raised.

    There is no `httpx.AsyncClient` between. It takes time, and what it would add, redirects and cookies, must not be:
    what was given for one key is not shown with another.
    """
    patience = Patience(endpoint.timeouts.first_byte)
    try:
        response = await patience.wait(transport.handle_async_request(_request(endpoint, method, path, body)))
    except BaseException as error:
        patience.stop()
        if isinstance(error, TimeoutError):
            raise too_slow(endpoint, "first_byte") from None
        if isinstance(error, FOREIGN):
            raise not_sent(endpoint, error) from error
        raise
    reply = Exchange(endpoint, response, patience)
    if not response.is_success:
        raise await reply.refusal(body)
    return reply


class Exchange:
    """A reply that has begun. Close it: its connection is kept if it was read to the end, else ended at once."""

    def __init__(self, endpoint: Endpoint, response: httpx.Response, patience: Patience) -> None:
        self.endpoint = endpoint
        self.request_id = request_id(response.headers)
        self._response = response
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()
        self._patience = patience
        self._waits_for: Wait = "first_byte"

    async def read(self) -> bytes:
        """What one read of the socket brought; nothing at the end."""
        try:
            data = await self._patience.wait(anext(self._chunks, b""))
        except TimeoutError:
            raise too_slow(self.endpoint, self._waits_for) from None
        except FOREIGN as error:
            raise interrupted(self.endpoint, error) from error
        if self._waits_for == "first_byte":
            self._waits_for = "idle"
            self._patience.change(self.endpoint.timeouts.idle)
        return data

    async def read_all(self, limit: int) -> bytes:
        """All that is left, or the first `limit` bytes of it."""
        body = bytearray()
        while len(body) < limit and (data := await self.read()):
            body += data
        return bytes(body[:limit])

    async def drain(self) -> None:
        """Waits a moment for the end of a reply that has said all, so that its connection can be kept."""
        self._patience.change(_DRAIN_SECONDS)
        with contextlib.suppress(AgentroutedError):
            while await self.read():
                pass

    async def refusal(self, sent: bytes) -> AgentroutedError:
        """What the status and the body say, if they are a refusal, without what was sent. Closes."""
        body = b""
        self._waits_for = "idle"
        self._patience.change(min(_REFUSAL_SECONDS, self.endpoint.timeouts.idle))
        async with contextlib.aclosing(self):
            with contextlib.suppress(AgentroutedError):
                body = await self.read_all(_REFUSAL_BYTES)
        response = self._response
        return refused(self.endpoint, response.status_code, response.headers, body, said_in(sent))

    async def aclose(self) -> None:
        self._patience.stop()
        await self._response.aclose()


def _request(endpoint: Endpoint, method: str, path: str, body: bytes) -> httpx.Request:
    timeout = {"connect": endpoint.timeouts.connect, "pool": endpoint.timeouts.connect}
    return httpx.Request(
        method,
        _url(_base(endpoint), path),
        headers=_headers(endpoint, body),
        content=body if len(body) <= _PIECE_BYTES else _pieces(body),
        extensions={"timeout": timeout, "socket_path": endpoint.socket_path},
    )


def _base(endpoint: Endpoint) -> str:
    """HTTP wants a host, also on a socket."""
    path = endpoint.base_url.removeprefix(f"unix://{endpoint.socket_path}")
    return endpoint.base_url if path == endpoint.base_url else f"http://localhost{path}"


@lru_cache(maxsize=256)
def _url(base_url: str, path: str) -> httpx.URL:
    return httpx.URL(base_url + path)


def _headers(endpoint: Endpoint, body: bytes) -> dict[str, str]:
    keys = key_headers(endpoint)
    headers = {**_HEADERS, **keys}
    if body:
        headers["content-length"] = str(len(body))
    headers.update((name.lower(), value) for name, value in endpoint.headers.items())
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            what = "key" if name in keys else f"header `{name}`"
            raise ConfigInvalid(
                f"the {what} of {endpoint.provider} holds characters that HTTP cannot carry",
                hint="enter it again, without line breaks, quotes of a word processor, or letters with accents",
            )
    return headers


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """aiohttp warns of more than a megabyte in one piece: writing it would hold up the event loop."""
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]
