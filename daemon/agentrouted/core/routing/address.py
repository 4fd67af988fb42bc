"""What a base URL says: whose host, and is it this machine."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from agentrouted.core.loopback import is_loopback

Origin = tuple[str, str, int]
"""Scheme, host and port. Keys are bound to this, so that neither another port nor plain HTTP gets them."""

_PORTS = {"http": 80, "https": 443}
# ASCII only: a host that merely looks like another one must be written in its xn-- form, where it can be told apart.
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_EXAMPLE = "write it like http://localhost:8000/v1"


class BadAddress(ValueError):
    """Why a text is no address, and the mend; never the text itself, which may hold a password."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL as it was written, without trailing slashes, and what follows from it."""

    url: str
    origin: Origin
    path: str

    @property
    def host(self) -> str:
        return self.origin[1]

    @property
    def socket_path(self) -> str | None:
        """Of a server that listens on a Unix socket."""
        return self.host if self.origin[0] == "unix" else None

    @property
    def loopback(self) -> bool:
        """True if what is sent there does not leave this machine."""
        return self.origin[0] in {"embedded", "unix"} or is_loopback(self.host)

    def rest_of(self, longer: "Address") -> str | None:
        """What `longer` has after this address and a slash; None if it does not begin with it."""
        if self.origin != longer.origin or not f"{longer.path}/".startswith(f"{self.path}/"):
            return None
        return longer.path[len(self.path) + 1 :]


@lru_cache(512)
def read_address(text: str) -> Address:
    """Raises BadAddress."""
    text = text.strip()
    if text.lower().startswith(("unix:", "http+unix:")):
        return _read_socket(text)
    if not text.lower().startswith(("http://", "https://")):
        raise BadAddress("it does not begin with http:// or https://", _EXAMPLE)
    if not text.isprintable() or " " in text or "\\" in text:
        raise BadAddress("it has a blank or another character that no address has", "percent-encode it")
    if "?" in text or "#" in text:
        raise BadAddress("it has a query or a fragment", "end it before the `?` or `#`")
    url = text.rstrip("/")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadAddress("its host or port is malformed", _EXAMPLE) from error
    if "@" in parts.netloc:
        raise BadAddress("it has a user name or a password in it", "leave them out and give the key as an API key")
    if not _HOST.fullmatch(host) or port == 0:
        raise BadAddress("its host or port is malformed", _EXAMPLE)
    return Address(url, (parts.scheme, host, port or _PORTS[parts.scheme]), parts.path)


def _read_socket(text: str) -> Address:
    """Servers on a socket have their API under /v1, whether or not that is written.

    `http+unix://%2Frun%2Fllama.sock/v1` is how others write `unix:///run/llama.sock`.
    """
    scheme, _, rest = text.partition(":")
    path = rest.rstrip("/").removesuffix("/v1")
    if scheme.lower() == "http+unix":
        path = unquote(path)
    if not path.startswith("///") or not path.strip("/") or not path.isprintable():
        raise BadAddress("its socket has no absolute path", "write it like unix:///run/user/1000/llama.sock")
    path = path.removeprefix("//")
    return Address(f"unix://{path}/v1", ("unix", path, 0), "/v1")


def embedded(name: str) -> Address:
    """Where the embedded engine runs a model, until it has started and has a socket."""
    return Address(f"embedded:{name}", ("embedded", "", 0), "")
