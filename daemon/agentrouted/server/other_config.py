"""Which config the daemon runs with that is there already."""

# Standard library only, as `connect` is.

import json
import socket
from pathlib import Path
from typing import Any

_SECONDS = 2.0


def config_in_force(path: Path) -> str | None:
    """The config file of the daemon at `path`; None if there is no daemon, or it has no file."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(_request(1, "initialize", {"capabilities": {}}) + _request(2, "daemon/status", {}))
            with connection.makefile("rb") as stream:
                while (message := _read(stream)).get("id") != 2:
                    pass
        except (OSError, ValueError):
            return None
    file = message.get("result", {}).get("configFile")
    return file if isinstance(file, str) else None


def _request(id_: int, method: str, params: Any) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _read(stream: Any) -> dict[str, Any]:
    length = int(stream.readline().partition(b":")[2])
    stream.readline()
    message: dict[str, Any] = json.loads(stream.read(length))
    return message
