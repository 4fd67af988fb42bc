"""Faults of the network, as our errors."""

import asyncio
import errno
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from harness.wire import KEY, endpoint, fault
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import SecretStr
from yarl import URL

from agentrouted.core.endpoint import Timeouts
from agentrouted.core.wire.faults import FOREIGN, interrupted, not_sent
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.upstream import Reply, Upstream

WHERE: Any = aiohttp.client_reqrep.ConnectionKey("models.example", 443, True, True, None, None, None, None)
ASKED = aiohttp.RequestInfo(URL("https://models.example"), "POST", CIMultiDictProxy(CIMultiDict()))

BEFORE_THE_REPLY: dict[Exception, str] = {
    aiohttp.ConnectionTimeoutError(): "providerTimeout",
    aiohttp.ClientConnectorDNSError(WHERE, OSError(-2, "Name not known")): "providerUnreachable",
    aiohttp.ClientConnectorCertificateError(WHERE, ssl.SSLCertVerificationError("self-signed")): "providerUnreachable",
    aiohttp.ClientConnectorSSLError(WHERE, ssl.SSLError(1, "wrong version")): "providerUnreachable",
    aiohttp.ClientProxyConnectionError(WHERE, OSError(errno.ECONNREFUSED, "refused")): "providerUnreachable",
    aiohttp.ClientHttpProxyError(ASKED, (), status=407): "providerUnreachable",
    aiohttp.ClientConnectorError(WHERE, OSError(errno.ECONNREFUSED, "refused")): "providerUnreachable",
    aiohttp.ServerDisconnectedError(): "providerUnreachable",
    aiohttp.ClientOSError(errno.EPIPE, "broken pipe"): "providerUnreachable",
    aiohttp.ClientPayloadError(): "providerUnreachable",
    aiohttp.ClientResponseError(ASKED, (), status=400): "responseInvalid",
    aiohttp.NonHttpUrlClientError("ftp://x"): "configInvalid",
    aiohttp.InvalidURL("x"): "configInvalid",
    httpx.UnsupportedProtocol("embedded:x"): "configInvalid",
    httpx.InvalidURL("x"): "configInvalid",
    httpx.ProxyError("socks"): "providerUnreachable",
    OSError(errno.ENETUNREACH, "unreachable"): "providerUnreachable",
    ValueError("x"): "configInvalid",
}


@pytest.mark.parametrize(
    ("foreign", "kind"), BEFORE_THE_REPLY.items(), ids=[type(each).__name__ for each in BEFORE_THE_REPLY]
)
def test_each_fault_before_the_reply_has_its_kind(foreign: Exception, kind: str) -> None:
    assert isinstance(foreign, FOREIGN)
    error = not_sent(endpoint("https://models.example/v1"), foreign)
    assert error.kind == kind
    assert "models.example" in error.message
    assert error.hint


def test_it_is_said_why_a_certificate_is_not_trusted() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "certificate has expired"
    error = not_sent(endpoint("https://models.example/v1"), aiohttp.ClientConnectorCertificateError(WHERE, untrusted))
    assert "models.example is not trusted: certificate has expired" in error.message


@pytest.mark.parametrize(
    ("foreign", "kind"), BEFORE_THE_REPLY.items(), ids=[type(each).__name__ for each in BEFORE_THE_REPLY]
)
def test_what_aiohttp_said_counts_more_than_what_httpx_makes_of_it(foreign: Exception, kind: str) -> None:
    wrapped = httpx.ConnectTimeout("")
    wrapped.__cause__ = foreign
    expected = kind if isinstance(foreign, aiohttp.ClientError) else "providerUnreachable"
    assert not_sent(endpoint("https://models.example/v1"), wrapped).kind == expected


@pytest.mark.parametrize(
    ("foreign", "kind"),
    [
        (httpx.ReadError(""), "responseTruncated"),
        (aiohttp.ClientPayloadError(), "responseTruncated"),
        (aiohttp.ClientOSError(errno.ECONNRESET, "reset"), "responseTruncated"),
        (httpx.DecodingError(""), "responseInvalid"),
    ],
)
def test_each_fault_in_mid_reply_has_its_kind(foreign: Exception, kind: str) -> None:
    assert interrupted(endpoint("https://models.example/v1"), foreign).kind == kind


STARTS = {
    "ollama": "ollama serve",
    "vllm": "vllm serve big-model",
    "lm_studio": "lms server start",
    "llamacpp": "llama-server",
    "tgi": "text-generation-launcher --model-id big-model",
    "other": "check the address",
}


@pytest.mark.parametrize(("provider", "advice"), STARTS.items())
async def test_a_server_that_does_not_run_is_told_how_to_start(http: HttpClient, provider: str, advice: str) -> None:
    error = await fault(http, "http://localhost:9/v1", provider=provider, local=True)
    assert (error.kind, error.retryable) == ("providerUnreachable", True)
    assert "nothing answers at localhost:9" in error.message
    assert error.hint is not None
    assert advice in error.hint


@pytest.mark.parametrize(
    ("base_url", "kind", "said"),
    [
        ("http://models.invalid/v1", "providerUnreachable", "models.invalid"),
        ("ftp://localhost/v1", "configInvalid", "localhost"),
        ("embedded:smol", "configInvalid", "embedded:smol"),
        ("http://[::1/v1", "configInvalid", ""),
        ("http:///v1", "configInvalid", ""),
    ],
)
async def test_an_address_that_leads_nowhere_is_named(http: HttpClient, base_url: str, kind: str, said: str) -> None:
    error = await fault(http, base_url, timeouts=Timeouts(connect=5))
    assert error.kind == kind
    assert said in error.message


async def test_a_server_without_tls_is_told_from_one_that_is_not_there(http: HttpClient) -> None:
    async def answer_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as server:
        error = await fault(http, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert error.kind == "providerUnreachable"
    assert "TLS" in error.message


async def test_a_server_that_hangs_up_is_unreachable(http: HttpClient) -> None:
    async with Upstream([Reply.hang_up()]) as upstream:
        error = await fault(http, upstream.url)
    assert (error.kind, error.retryable) == ("providerUnreachable", True)


async def test_a_socket_that_is_not_there_is_named(http: HttpClient, tmp_path: Path) -> None:
    error = await fault(
        http, "http://localhost/v1", provider="local", local=True, socket_path=str(tmp_path / "no.sock")
    )
    assert error.kind == "providerUnreachable"
    assert str(tmp_path / "no.sock") in error.message


@pytest.mark.parametrize("key", ["sk-1\r\nx-evil: 1", "sk-“quoted”", "sk-\0", "sk-\u00e9"])
async def test_a_key_that_http_cannot_carry_is_never_sent_nor_shown(http: HttpClient, key: str) -> None:
    async with Upstream() as upstream:
        error = await fault(http, upstream.url, api_key=SecretStr(key))
        assert upstream.requests == []
    assert error.kind == "configInvalid"
    assert "sk-" not in f"{error.message}{error.hint}"


async def test_a_key_is_in_no_message(http: HttpClient) -> None:
    hostile = f"bad key {KEY} in Authorization: Bearer {KEY}"
    scripts = [
        Reply.status(code, {"error": {"message": hostile, "code": hostile}}) for code in (400, 401, 404, 429, 500)
    ]
    scripts += [
        Reply.status(502, hostile),
        Reply.events({"error": hostile}),
        Reply.status(307, headers={"location": f"/?{KEY}"}),
    ]
    async with Upstream(scripts) as upstream:
        for _ in scripts:
            error = await fault(http, upstream.url)
            shown = f"{error!r} {error.message} {error.hint} {error.provider} {error.details}"
            assert KEY not in shown
            assert KEY[:12] not in shown
