"""Faults of httpx and aiohttp, as ours."""

from dataclasses import dataclass
from typing import Final, Literal

import aiohttp
import httpx

from agentrouted.core.endpoint import Endpoint
from agentrouted.core.errors import (
    AgentroutedError,
    ConfigInvalid,
    ProviderTimeout,
    ProviderUnreachable,
    ResponseInvalid,
    ResponseTruncated,
)
from agentrouted.core.wire.advice import start_it, where

FOREIGN: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError, ValueError)
"""Whatever the two libraries raise; `ValueError` is what they say of an address or a proxy they cannot use."""


@dataclass(frozen=True, slots=True)
class _Row:
    foreign: type[Exception]
    ours: type[AgentroutedError]
    says: str
    hint: str = ""


_PROXY_HINT = "check HTTPS_PROXY, which takes http:// proxies, or name the host in NO_PROXY"
_TRUST_HINT = (
    "check the address, and this machine's clock; if your network has an authority of its own, name its file in "
    "SSL_CERT_FILE"
)
_ADDRESS_HINT = "give an address that begins with http:// or https://"

# The first that fits counts: from the particular to the general.
_BEFORE_THE_REPLY: Final = (
    _Row(aiohttp.ClientConnectorDNSError, ProviderUnreachable, "no machine is known as {where}",
         "check the address, and that this machine is online"),
    _Row(aiohttp.ClientConnectorCertificateError, ProviderUnreachable, "the certificate of {where} is not trusted{why}",
         _TRUST_HINT),
    _Row(aiohttp.ClientSSLError, ProviderUnreachable, "{where} does not speak TLS",
         "check whether the address should begin with http://"),
    _Row(aiohttp.ClientProxyConnectionError, ProviderUnreachable, "the proxy to {where} does not answer", _PROXY_HINT),
    _Row(aiohttp.ClientHttpProxyError, ProviderUnreachable, "the proxy to {where} refuses to connect", _PROXY_HINT),
    _Row(httpx.ProxyError, ProviderUnreachable, "the proxy to {where} cannot be used", _PROXY_HINT),
    _Row(aiohttp.ClientConnectorError, ProviderUnreachable, "nothing answers at {where}", "{start_it}"),
    _Row(aiohttp.ClientConnectionError, ProviderUnreachable, "{where} closed the connection without an answer",
         "try again; if it stays so, look into the log of that server"),
    _Row(aiohttp.ClientResponseError, ResponseInvalid, "{where} does not answer in HTTP", "check the address"),
    _Row(aiohttp.InvalidURL, ConfigInvalid, "{where} cannot be called", _ADDRESS_HINT),
    _Row(aiohttp.NonHttpUrlClientError, ConfigInvalid, "{where} cannot be called", _ADDRESS_HINT),
    _Row(httpx.InvalidURL, ConfigInvalid, "{where} cannot be called", _ADDRESS_HINT),
    _Row(httpx.UnsupportedProtocol, ConfigInvalid, "{where} cannot be called", _ADDRESS_HINT),
    _Row(ValueError, ConfigInvalid, "{where} cannot be called", _ADDRESS_HINT),
    _Row(Exception, ProviderUnreachable, "{where} could not be asked", "{start_it}"),
)  # fmt: skip

Wait = Literal["connect", "first_byte", "idle"]

_TOO_SLOW: Final[dict[Wait, str]] = {
    "connect": "{label} could not be connected to within {seconds:g} s",
    "first_byte": "{label} did not begin to answer within {seconds:g} s",
    "idle": "{label} was silent for {seconds:g} s in mid-answer",
}


def not_sent(endpoint: Endpoint, error: Exception) -> AgentroutedError:
    """A fault before the reply began."""
    cause = _origin(error)
    if isinstance(cause, aiohttp.ServerTimeoutError):
        return too_slow(endpoint, "connect")
    row = next(row for row in _BEFORE_THE_REPLY if isinstance(cause, row.foreign))
    hint = row.hint.format(start_it=start_it(endpoint))
    says = row.says.format(where=where(endpoint), why=_why_untrusted(cause))
    return row.ours(f"{says} ({endpoint.provider}/{endpoint.model_id})", hint=hint)


def interrupted(endpoint: Endpoint, error: Exception) -> AgentroutedError:
    """A fault in mid-reply."""
    if isinstance(error, httpx.DecodingError):
        return ResponseInvalid(f"{endpoint.label} sent an answer that cannot be unpacked", hint="try again")
    return ResponseTruncated(f"{endpoint.label} broke off in mid-answer", hint="try again")


def too_slow(endpoint: Endpoint, wait: Wait) -> ProviderTimeout:
    seconds: float = getattr(endpoint.timeouts, wait)
    return ProviderTimeout(
        _TOO_SLOW[wait].format(label=endpoint.label, seconds=seconds),
        hint=f"try again; if {seconds:g} s is too short, raise {_setting(endpoint, wait)}",
        details={"wait": wait, "seconds": seconds},
    )


def _why_untrusted(cause: BaseException) -> str:
    """Such as `: certificate has expired`."""
    why = getattr(getattr(cause, "certificate_error", None), "verify_message", "")
    return f": {why.rstrip('.')}" if why else ""


def _setting(endpoint: Endpoint, wait: Wait) -> str:
    if endpoint.timeouts.set_by == "run" and wait != "connect":
        return "`idleTimeout` of the run (`idle_timeout` of its agent, or under `daemon.limits`)"
    return f"`timeouts.{wait}` of the provider {endpoint.provider}"


def _origin(error: Exception) -> BaseException:
    # httpx-aiohttp calls a server that hangs up a ConnectTimeout; what aiohttp itself said is more exact.
    return error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
