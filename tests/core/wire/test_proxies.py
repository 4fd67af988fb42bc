"""Proxies of the environment, over real sockets."""

import base64

import pytest
from harness.wire import KEY, answer, fault

from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.upstream import Reply, Upstream

FAR = "http://models.example/v1"
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_far_server_is_reached_through_the_proxy(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async with Upstream() as proxy:
        monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        assert (await answer(http, FAR)).text == "Hello world"
        assert proxy.requests[0].path == f"{FAR}/chat/completions"


async def test_a_proxy_is_told_the_name_and_password_in_its_address(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Upstream() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1").replace("//", "//me:p%40ss@"))
        await answer(http, FAR)
        said = proxy.requests[0].headers["proxy-authorization"]
    assert base64.b64decode(said.removeprefix("Basic ")) == b"me:p@ss"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_this_machine_is_never_reached_through_a_proxy(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    async with Upstream() as proxy, Upstream([Reply.text("near")]) as upstream:
        monkeypatch.setenv("ALL_PROXY", proxy.url.removesuffix("/v1"))
        assert (await answer(http, upstream.url.replace("127.0.0.1", host))).text == "near"
        assert proxy.requests == []


async def test_a_host_in_no_proxy_is_reached_without_it(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Upstream() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("NO_PROXY", ".example,other.test")
        assert (await fault(http, "http://models.example:9/v1")).kind == "providerUnreachable"
        assert proxy.requests == []


@pytest.mark.parametrize("far", [FAR, FAR.replace("http:", "https:")])
@pytest.mark.parametrize(
    "proxy", ["http://me:secret@127.0.0.1:9", "socks5://me:secret@127.0.0.1:9", "127.0.0.1:9", "::"]
)
async def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch, far: str, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    error = await fault(http, far)
    assert error.kind == "providerUnreachable"
    assert "proxy" in error.message
    assert "secret" not in f"{error.message}{error.hint}"


async def test_a_proxy_that_refuses_is_not_taken_for_the_provider(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Upstream([Reply.status(407)]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/v1"))
        error = await fault(http, FAR.replace("http:", "https:"))
        tunnel = proxy.requests[0]
    assert (error.kind, tunnel.method, tunnel.path) == ("providerUnreachable", "CONNECT", "models.example:443")
    assert KEY not in str(tunnel.headers)
