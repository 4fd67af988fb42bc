"""What a person does in Neovim, with its own client."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from e2e.programs import alone, ended, in_neovim, report, started
from harness.peer import joined, serving

pytestmark = pytest.mark.e2e


async def play(home: Path, scenario: str) -> Any:
    return await report(home, *in_neovim(home, scenario))


async def test_what_editors_send_unasked_does_no_harm(tmp_path: Path) -> None:
    seen = await play(
        tmp_path,
        """
        vim.cmd.edit('notes.txt')
        local client = start()
        local document = { uri = vim.uri_from_bufnr(0), languageId = 'text', version = 1, text = '' }
        client:notify('textDocument/didOpen', { textDocument = document })
        client:notify('$/setTrace', { value = 'verbose' })
        client:notify('window/workDoneProgress/cancel', { token = 'unknown' })
        client:notify('workspace/didChangeConfiguration', { settings = vim.empty_dict() })
        client:notify('workspace/didChangeWatchedFiles', { changes = {} })
        vim.lsp.buf_attach_client(0, client.id)
        vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'typed' })
        vim.cmd.write()
        local route = request(client, 'resolveModel', { model = 'ollama/llama3' })
        stop(client)
        report({ provider = route.provider, asked = #asked })
        """,
    )
    assert seen == {"provider": "ollama", "asked": 0}


async def test_neovim_restarts_its_daemon(tmp_path: Path) -> None:
    pids = await play(
        tmp_path,
        """
        local pids = {}
        for turn = 1, 2 do
          local client = start()
          pids[turn] = request(client, 'daemon/status', vim.empty_dict()).pid
          stop(client)
        end
        report(pids)
        """,
    )
    assert pids[0] != pids[1]
    await asyncio.gather(*map(ended, pids))


SESSION = """
    local client = start({ cmd = { 'agentrouted', %s } })
    report(request(client, 'daemon/status', vim.empty_dict()))
    wait(function() end)
"""


async def test_no_daemon_outlives_a_killed_neovim(tmp_path: Path) -> None:
    async with started(tmp_path, *in_neovim(tmp_path, SESSION % "'--stdio'")) as editor:
        assert editor.stdout is not None
        status = json.loads(await editor.stdout.readline())
        editor.kill()
        await ended(status["pid"])


async def test_a_killed_neovim_leaves_the_shared_daemon_to_the_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as other:
        await other.initialize()
        bridge = f"'connect', '--listen', '{socket}'"
        async with started(tmp_path, *in_neovim(tmp_path, SESSION % bridge)) as editor:
            assert editor.stdout is not None
            assert json.loads(await editor.stdout.readline())["connections"] == 2
            editor.kill()
        await alone(other)
