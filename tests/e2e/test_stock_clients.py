"""Clients that know nothing of us open a session, resolve a model and leave."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from e2e.programs import HERE, alone, emacs, go, neovim, node, report
from harness.peer import joined, serving

pytestmark = pytest.mark.e2e

FOLDER = HERE / "clients"
CLIENTS: dict[str, Callable[[], list[str]]] = {
    "vscode-jsonrpc": lambda: node(FOLDER / "vscode_jsonrpc.js"),
    "vscode-languageclient": lambda: node(FOLDER / "vscode_languageclient.js"),
    "neovim": lambda: neovim(FOLDER / "neovim.lua"),
    "emacs-jsonrpc": lambda: emacs("jsonrpc", FOLDER / "jsonrpc.el"),
    "emacs-eglot": lambda: emacs("eglot", FOLDER / "eglot.el"),
    "pygls": lambda: [sys.executable, str(FOLDER / "pygls_client.py")],
    "python-lsp-jsonrpc": lambda: [sys.executable, str(FOLDER / "python_lsp_jsonrpc.py")],
    "sourcegraph-jsonrpc2": lambda: go(FOLDER / "sourcegraph.go"),
}
"""Each takes the daemon's command, or `--join SOCKET`, and reports what it saw."""

EXPECTED = {"provider": "ollama", "modelId": "llama3", "exitCode": 0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """The socket of one daemon for all of these clients, which must still be there when they have left."""
    async with serving(tmp_path_factory.mktemp("shared")) as socket, joined(socket) as first_client:
        await first_client.initialize()
        yield socket
        await alone(first_client)


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_stock_client_starts_a_daemon(client: str, tmp_path: Path) -> None:
    assert await report(tmp_path, *CLIENTS[client](), "agentrouted", "--stdio") == EXPECTED


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_stock_client_is_bridged_to_the_shared_daemon(client: str, shared_daemon: Path, tmp_path: Path) -> None:
    bridge = ("agentrouted", "connect", "--listen", str(shared_daemon))
    assert await report(tmp_path, *CLIENTS[client](), *bridge) == EXPECTED


# pygls knows pipes and TCP only.
@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "pygls"])
async def test_a_stock_client_joins_the_shared_daemon(client: str, shared_daemon: Path, tmp_path: Path) -> None:
    assert await report(tmp_path, *CLIENTS[client](), "--join", str(shared_daemon)) == EXPECTED
