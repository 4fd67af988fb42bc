"""What commands show: on a terminal, and in a pipe."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.command import AGENTROUTED, agentrouted, serving
from harness.peer import TIME_LIMIT, clean_environment
from harness.terminal import on_terminal

ALL = "from agentrouted.cli.terminal import *;"
LONG = "my favourite colour is blue and I would have it everywhere"
SHOW_TABLE = f"{ALL} show_table([('a', '名前', '1', {LONG!r}), ('bb', 'e\u0301diteur', '333', 'x')], [2])"
SHOW_TEXT = f"{ALL} show('[bold]no[/bold] :smile: 名前 ', ('red', 'red'), ' \\x1b[31m\\x9b31m\\x07 1.5')"
SHOWN_TEXT = "[bold]no[/bold] :smile: 名前 {} [31m31m 1.5\n"

ASKED = """
import asyncio
from agentrouted.cli.answer import AnswerInWords
from agentrouted_protocol.client_requests import ToolApproveParams
from agentrouted_protocol.events import ModelCallStart
from agentrouted_protocol.routing import RouteEndpoint

async def ask():
    route = RouteEndpoint.model_construct(provider="ollama", model_id="llama3")
    params = ToolApproveParams(run_id="r", call_id="c", name="push", arguments={}, reason="Needed", options=[])
    with AnswerInWords() as answer:
        asking = asyncio.create_task(answer.approve(params))
        await asyncio.sleep(0)
        answer.show(ModelCallStart.model_construct(turn=1, route=route))
        asking.cancel()

asyncio.run(ask())
"""


def python(home: Path, program: str, columns: int = 80, **environment: str) -> str:
    return on_terminal(home, sys.executable, "-P", "-c", program, columns=columns, **environment)


def piped(home: Path, program: str) -> str:
    command = [sys.executable, "-P", "-c", program]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=TIME_LIMIT, env=clean_environment(home)
    ).stdout


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_on_a_terminal_the_last_column_is_folded_into_the_room_that_is_left(kind: str, tmp_path: Path) -> None:
    assert [line.rstrip() for line in python(tmp_path, SHOW_TABLE, columns=48, TERM=kind).splitlines()] == [
        "a   名前       1  my favourite colour is blue",
        "                  and I would have it everywhere",
        "bb  e\u0301diteur  333  x",
    ]


def test_a_spinner_hides_no_cursor_and_takes_nothing_from_a_pipe(tmp_path: Path) -> None:
    program = f"{ALL} spinner = Spinner(); spinner.start('busy'); print('out'); spinner.stop()"
    screen = on_terminal(tmp_path, "sh", "-c", '"$0" -P -c "$1" >"$2"', sys.executable, program, str(tmp_path / "out"))
    assert "busy" in screen and "\x1b[?25" not in screen
    assert (tmp_path / "out").read_text() == "out\n"


@pytest.mark.parametrize("columns", [None, 30])
def test_in_a_pipe_and_where_there_is_no_room_each_row_is_a_whole_line(columns: int | None, tmp_path: Path) -> None:
    out = python(tmp_path, SHOW_TABLE, columns) if columns else piped(tmp_path, SHOW_TABLE)
    assert out.splitlines() == [f"a   名前       1  {LONG}", "bb  e\u0301diteur  333  x"]


def test_a_cell_is_one_line_and_no_markup(tmp_path: Path) -> None:
    program = f"{ALL} show_table([('[red]a[/red]', 'b\\n :smile:\\x1b[31m')])"
    for out in (python(tmp_path, program), piped(tmp_path, program)):
        assert out.rstrip() == "[red]a[/red]  b :smile:[31m"


def test_text_is_shown_as_it_is_without_what_would_steer_the_terminal(tmp_path: Path) -> None:
    assert piped(tmp_path, SHOW_TEXT) == SHOWN_TEXT.format("red")
    assert python(tmp_path, SHOW_TEXT) == SHOWN_TEXT.format("\x1b[31mred\x1b[0m")


def test_colours_are_left_out_where_they_are_not_wanted(tmp_path: Path) -> None:
    without = SHOWN_TEXT.format("red")
    assert python(tmp_path, SHOW_TEXT, NO_COLOR="1") == python(tmp_path, SHOW_TEXT, TERM="dumb") == without


def test_lines_longer_than_the_terminal_are_not_broken(tmp_path: Path) -> None:
    assert python(tmp_path, f"{ALL} say({LONG!r})", columns=20) == f"{LONG}\n"


def test_what_is_done_is_a_bar_on_a_terminal_only(tmp_path: Path) -> None:
    program = f"{ALL}\nwith progress() as tell: tell(3_000_000, 12_000_000); tell(12_000_000, 12_000_000)"
    assert "100%" in python(tmp_path, program) and "12.0/12.0 MB" in python(tmp_path, program)
    assert piped(tmp_path, program) == ""


def test_nothing_turns_while_a_person_is_asked(tmp_path: Path) -> None:
    screen = python(tmp_path, ASKED)
    assert "[y/N]" in screen and "ollama" not in screen


def test_the_head_of_a_table_is_bold(tmp_path: Path) -> None:
    assert on_terminal(tmp_path, *AGENTROUTED, "usage").startswith("\x1b[1mmodel")


@pytest.mark.parametrize("line", ["--version", "usage --csv", "usage --json", "models --json", "memory list --json"])
async def test_programs_do_not_wait_for_rich(line: str, tmp_path: Path) -> None:
    assert not await loads_rich(tmp_path, *line.split())


async def test_the_bridge_to_the_shared_daemon_does_not_wait_for_rich(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert not await loads_rich(tmp_path, "connect")


async def loads_rich(home: Path, *arguments: str) -> bool:
    # Python then tells each import on stderr.
    outcome = await agentrouted(home, *arguments, PYTHONPROFILEIMPORTTIME="1")
    assert outcome.code == 0 and "agentrouted.cli.boot" in outcome.err
    return re.search(r"\| +rich\b", outcome.err) is not None
