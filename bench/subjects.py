"""What is measured: our daemon, limits, and peers."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CLIENTS: Final = Path(sys.prefix) / "clients" / "node_modules"
"""Where `scripts/install-clients` puts libraries of other languages."""

_PEERS: Final = Path(__file__).with_name("peers")
_BIN: Final = Path(sys.executable).parent
_AGENTROUTED: Final = str(_BIN / "agentrouted")


@dataclass(frozen=True)
class Subject:
    """A server and how it is started. In a command `{result}` is a file with the answer, `{socket}` a path."""

    name: str
    stdio: tuple[str, ...]
    socket: tuple[str, ...] = ()

    def over_stdio(self, place: Path) -> list[str]:
        return _filled(self.stdio, place)

    def over_socket(self, place: Path) -> list[str]:
        return _filled(self.socket, place)


def _filled(command: tuple[str, ...], place: Path) -> list[str]:
    return [part.format(result=place / "result.json", socket=place / "bench.sock") for part in command]


def _python(script: str, *options: str) -> tuple[str, ...]:
    return (sys.executable, *options, str(_PEERS / script), "{result}")


_ASYNCIO: Final = _python("bare_asyncio.py")
_NODE: Final = shutil.which("node", path=os.pathsep.join([str(_BIN), os.environ["PATH"]])) or "node"
_VSCODE: Final = (_NODE, str(_PEERS / "vscode_jsonrpc.js"), "{result}")

AGENTROUTED: Final = Subject("agentrouted", (_AGENTROUTED, "--stdio"), (_AGENTROUTED, "serve", "--listen", "{socket}"))
CONNECT: Final = Subject("agentrouted connect", (_AGENTROUTED, "connect", "--listen", "{socket}"))
BARE_ASYNCIO: Final = Subject("bare asyncio loop", _ASYNCIO, (*_ASYNCIO, "{socket}"))
BARE_LOOP: Final = Subject("bare loop, -I -S", _python("bare_loop.py", "-I", "-S"))
PYGLS: Final = Subject("stock pygls", _python("stock_pygls.py"))
VSCODE: Final = Subject("vscode-jsonrpc", _VSCODE, (*_VSCODE, "{socket}"))


def present(subjects: Sequence[Subject]) -> list[Subject]:
    """Those that can be measured here; says why one is left out."""
    if (CLIENTS / "vscode-jsonrpc").is_dir() and shutil.which(_NODE):
        return list(subjects)
    print("vscode-jsonrpc is left out: scripts/install-clients brings it, and Node")
    return [subject for subject in subjects if subject is not VSCODE]
