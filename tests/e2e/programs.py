"""The editors and clients that are tested: where they are."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
from harness.peer import TIME_LIMIT, Peer, clean_environment
from harness.process import running

from agentrouted.testing.upstream import Upstream

HERE = Path(__file__).parent
INSTALLED = Path(sys.prefix)
NODE_MODULES = INSTALLED / "clients" / "node_modules"
GO_PACKAGES = Path("/usr/share/gocode")


def neovim(*arguments: str | Path) -> list[str]:
    program = _program("nvim") or _missing("Neovim")
    if not _is_current(program):
        _missing("Neovim 0.11 or later")
    return [program, "--clean", "--headless", "-l", *map(str, arguments)]


def node(*arguments: str | Path) -> list[str]:
    if not (NODE_MODULES / "vscode-languageclient").exists():
        _missing("vscode-languageclient")
    return [_program("node") or _missing("Node"), *map(str, arguments)]


def in_neovim(home: Path, scenario: str) -> list[str]:
    """Neovim with what is at hand in `preludes/neovim.lua`."""
    file = home / "scenario.lua"
    file.write_text(scenario)
    return neovim(HERE / "preludes" / "neovim.lua", file)


def in_node(home: Path, scenario: str) -> list[str]:
    """Node with what is at hand in `preludes/node.js`."""
    file = home / "scenario.mjs"
    file.write_text(scenario)
    return node("--require", HERE / "preludes" / "node.js", file)


def emacs(library: str, *arguments: str | Path) -> list[str]:
    """An Emacs that has the library."""
    program = _program("emacs") or _not_packaged("Emacs")
    if not _has_library(program, library):
        _not_packaged(f"Emacs's {library}")
    return [program, "--batch", "-l", *map(str, arguments)]


def go(*arguments: str | Path) -> list[str]:
    if not (GO_PACKAGES / "src/github.com/sourcegraph/jsonrpc2").exists():
        _not_packaged("sourcegraph/jsonrpc2 for Go")
    return [_program("go") or _not_packaged("Go"), "run", *map(str, arguments)]


def environment(home: Path, **more: str) -> dict[str, str]:
    """As a person's who has `agentrouted` installed. What it says on stderr is in `home/stderr.txt`."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    script = folder / "agentrouted"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m agentrouted "$@" 2>>"{home}/stderr.txt"\n')
    script.chmod(0o700)
    return clean_environment(
        home,
        PATH=f"{folder}:{os.environ['PATH']}",
        NODE_PATH=f"{NODE_MODULES}:{HERE / 'stubs'}",
        GO111MODULE="off",
        GOPATH=str(GO_PACKAGES),
        GOCACHE=str(INSTALLED / "clients" / "go-cache"),
        CGO_ENABLED="0",
        **more,
    )


def started(home: Path, *command: str, **more: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return running(*command, environment=environment(home, **more), stdin=asyncio.subprocess.DEVNULL, folder=home)


async def report(home: Path, *command: str, **more: str) -> Any:
    """What the program wrote as JSON, when it has ended well; and the daemon it started has complained of nothing."""
    async with started(home, *command, **more) as process:
        late = asyncio.get_running_loop().call_later(TIME_LIMIT, process.kill)
        out, err = await process.communicate()
        late.cancel()
    assert process.returncode == 0, err.decode()
    assert "[ERROR]" not in read(home / ".local/state/nvim/lsp.log")
    assert read(home / "stderr.txt") == ""
    return json.loads(out)


async def play(home: Path, upstream: Upstream | None, *command: str) -> Any:
    """What the program reports where `ollama/` models are at the upstream."""
    return await report(home, *command, OLLAMA_BASE_URL=upstream.url if upstream else "")


async def ended(pid: int) -> None:
    """Wait until there is no such process; one that nobody has collected yet has no command line."""
    file = Path(f"/proc/{pid}/cmdline")
    async with asyncio.timeout(TIME_LIMIT):
        while file.exists() and file.read_bytes():
            await asyncio.sleep(0.02)


async def alone(peer: Peer) -> None:
    """Wait until the shared daemon has no other client."""
    async with asyncio.timeout(TIME_LIMIT):
        while (await peer.call("daemon/status"))["connections"] > 1:
            pass


def read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{INSTALLED / 'bin'}:{os.environ['PATH']}")


@cache
def _is_current(neovim: str) -> bool:
    version = subprocess.run([neovim, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return tuple(map(int, version.lstrip("v").partition("-")[0].split("."))) >= (0, 11)


@cache
def _has_library(emacs: str, library: str) -> bool:
    find = f'(progn (package-initialize) (kill-emacs (if (locate-library "{library}") 0 1)))'
    return subprocess.run([emacs, "--batch", "-l", "package", "--eval", find], capture_output=True).returncode == 0


def _missing(what: str) -> NoReturn:
    """In CI what `scripts/install-clients` brings anywhere has to be there."""
    reason = f"{what} is missing: run scripts/install-clients"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _not_packaged(what: str) -> NoReturn:
    """It comes with the system, and so even CI may have to do without."""
    pytest.skip(f"{what} is missing: scripts/install-clients takes it from Debian's packages")
