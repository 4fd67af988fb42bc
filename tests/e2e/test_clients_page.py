"""The examples of docs/clients.md, as they stand there."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from e2e.programs import HERE, emacs, neovim, node, play, started
from harness.command import agentrouted
from harness.peer import TIME_LIMIT

from agentrouted.testing.upstream import Reply, Upstream

pytestmark = pytest.mark.e2e

PAGE = HERE.parents[1] / "docs" / "clients.md"


def example(heading: str) -> str:
    """The first block of code under a heading."""
    _, _, section = PAGE.read_text().partition(f"\n## {heading}\n")
    return section.split("```")[1].partition("\n")[2]


@asynccontextmanager
async def world(home: Path) -> AsyncIterator[Upstream]:
    """A model server that greets, then never comes to an end; and no shared daemon is left behind."""
    async with Upstream([Reply.text("Hello", " world"), Reply.text("Once", asyncio.Event())]) as upstream:
        try:
            yield upstream
        finally:
            await agentrouted(home, "stop")


async def test_the_example_for_neovim(tmp_path: Path) -> None:
    (tmp_path / "init.lua").write_text(example("Neovim"))
    (tmp_path / "scenario.lua").write_text(
        """
        local said = {}
        print = function(text) table.insert(said, text) end
        local function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') end
        dofile('init.lua')
        vim.cmd.Where('ollama/llama3')
        wait(function() return #said == 1 end)
        vim.cmd.Ask('Greet.')
        wait(function() return #said == 2 end)
        vim.cmd.Ask('Tell me a story.')
        wait(function() return text():find('Once') end)
        vim.cmd.AskStop()
        wait(function() return #said == 3 end)
        report({ said = said, text = text() })
        """
    )
    async with world(tmp_path) as upstream:
        seen = await play(tmp_path, upstream, *neovim(HERE / "preludes" / "neovim.lua", tmp_path / "scenario.lua"))
        assert seen["said"] == [upstream.url, "end_turn", "cancelled"]
        assert "Hello world" in seen["text"]


async def test_the_example_for_vs_code(tmp_path: Path) -> None:
    (tmp_path / "extension.js").write_text(example("VS Code"))
    (tmp_path / "scenario.js").write_text(
        """
        const vscode = require("vscode");
        const { CancellationTokenSource } = require("vscode-jsonrpc");
        const cancellation = new CancellationTokenSource();
        let said = "";
        const append = (text) => {
          said += text;
          if (text === "Once") cancellation.cancel();
        };
        const channel = { append, appendLine: (line) => append(`${line}\\n`) };
        const { createOutputChannel } = vscode.window;
        vscode.window.createOutputChannel = (name) => (name === "Agent" ? channel : createOutputChannel(name));
        vscode.window.showInputBox = async () => "Greet.";
        vscode.window.withProgress = (options, task) => task({}, cancellation.token);

        async function main() {
          const context = { subscriptions: [] };
          await require("./extension.js").activate(context);
          await vscode.commands.executeCommand("example.ask");
          await vscode.commands.executeCommand("example.ask");
          await context.subscriptions[0].stop();
          console.log(JSON.stringify({ said, shown: vscode.shown }));
          process.exit();
        }
        main();
        """
    )
    async with world(tmp_path) as upstream:
        seen = await play(tmp_path, upstream, *node(tmp_path / "scenario.js"))
        said = f"ollama/llama3 is at {upstream.url}\nHello world (end_turn)\nOnce (cancelled)\n"
        assert seen == {"said": said, "shown": []}


EMACS_SCENARIO = """
(require 'json)
(defvar said nil)
(defun message (form &rest arguments) (push (apply #'format form arguments) said))
(defun text () (with-current-buffer (get-buffer-create "*agent*") (buffer-string)))
(defun wait (text) (while (not (member text said)) (accept-process-output nil 0.05)))
(my-where "ollama/llama3")
(my-ask "Greet.")
(wait "end_turn")
(my-ask "Tell me a story.")
(while (not (string-match "Once" (text))) (accept-process-output nil 0.05))
(my-ask-stop)
(wait "cancelled")
(princ (json-encode (list :said (vconcat (reverse said)) :text (text))))
"""


async def test_the_example_for_emacs(tmp_path: Path) -> None:
    (tmp_path / "init.el").write_text(example("Emacs") + EMACS_SCENARIO)
    async with world(tmp_path) as upstream:
        seen = await play(tmp_path, upstream, *emacs("jsonrpc", tmp_path / "init.el"))
        assert seen == {"said": [upstream.url, "end_turn", "cancelled"], "text": "Hello worldOnce"}


EGLOT_SCENARIO = """
(find-file "notes.txt")
(call-interactively #'eglot)
(let* ((prompt '(:model "ollama/llama3" :prompt "Greet."))
       (result (jsonrpc-request (eglot-current-server) :runAgent prompt :timeout nil)))
  (eglot-shutdown (eglot-current-server))
  (princ (json-encode (list :said (plist-get result :text)
                            :streamed (with-current-buffer "*agent*" (buffer-string))))))
"""


async def test_the_example_for_eglot(tmp_path: Path) -> None:
    load = "(package-initialize)"
    (tmp_path / "init.el").write_text(load + example("Emacs with eglot") + EGLOT_SCENARIO)
    async with world(tmp_path) as upstream:
        seen = await play(tmp_path, upstream, *emacs("eglot", tmp_path / "init.el"))
        assert seen == {"said": "Hello world", "streamed": "Hello world"}


async def test_the_example_for_any_program(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(example("Any program"))
    async with world(tmp_path) as upstream:
        command = (sys.executable, str(tmp_path / "program.py"))
        async with started(tmp_path, *command, OLLAMA_BASE_URL=upstream.url) as program, asyncio.timeout(TIME_LIMIT):
            out, _ = await program.communicate()
        assert out.decode() == f"{upstream.url}\nHello world end_turn\n"
