"""`agentrouted run`, against a server that follows a script."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path

import pytest
from harness.command import AGENTROUTED, agentrouted, agentrouted_in, started
from harness.peer import clean_environment
from harness.terminal import read_terminal
from harness.tool_servers import SCRIPT

from agentrouted.testing.upstream import Reply, Upstream


async def test_the_text_is_all_that_goes_to_stdout_and_the_bill_to_stderr(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello", " world")]) as upstream:
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", f"{upstream.url}/m")
    assert (outcome.code, outcome.out) == (0, "Hello world\n")
    assert "10 tokens in, 5 out" in outcome.err
    assert "\x1b" not in outcome.err


async def test_json_lines_are_the_events_and_then_the_result(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello", " world")]) as upstream:
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", f"{upstream.url}/m", "--json")
    *events, result = map(json.loads, outcome.out.splitlines())
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert "".join(event["text"] for event in events if event["kind"] == "textDelta") == "Hello world"
    assert (result["text"], result["stopReason"]) == ("Hello world", "end_turn")


async def test_what_is_left_out_is_told_on_stderr(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        config = tmp_path / ".agentroute/config.yaml"
        config.parent.mkdir()
        model = {"id": "m", "think": "high", "quirks": {"efforts": {"high": False}}}
        config.write_text(json.dumps({"providers": {"here": {"api_base": upstream.url, "models": [model]}}}))
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", "here/m")
    assert outcome.out == "Hello world\n"
    assert "warning: `think` is left out: here/m does not take it" in outcome.err


async def test_a_file_of_the_folder_that_is_broken_is_told_on_stderr(tmp_path: Path) -> None:
    (tmp_path / ".agentroute.yaml").write_text("limits: {max_costs: 1}")
    async with Upstream() as upstream:
        outcome = await agentrouted_in(tmp_path, tmp_path, "run", "hi", "-m", f"{upstream.url}/m")
    assert outcome.out == "Hello world\n"
    assert outcome.err.startswith(f"warning: {tmp_path}/.agentroute.yaml:1 is not in force: ")


async def test_what_is_said_to_the_model_comes_from_the_options(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        options = ("-i", "Be brief.", "--max-tokens", "7")
        await agentrouted(tmp_path, "run", "-", "-m", f"{upstream.url}/m", *options, stdin="from stdin")
        body = (await upstream.received()).body
    contents = [message["content"] for message in body["messages"]]
    assert contents == ["Be brief.", "from stdin"]
    assert 7 in (body.get("max_tokens"), body.get("max_completion_tokens"))


async def test_a_session_is_gone_on_with(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Noted."), Reply.text("Tom.")]) as upstream:
        for prompt in ("My cat is called Tom.", "How is it called?"):
            await agentrouted(tmp_path, "run", prompt, "-m", f"{upstream.url}/m", "-s", "cats")
    contents = [message["content"] for message in upstream.requests[-1].body["messages"]]
    assert contents == ["My cat is called Tom.", "Noted.", "How is it called?"]


async def test_a_boundary_keeps_the_run_here(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "run", "hi", "-m", "gpt-4o", "--boundary", "local")
    assert outcome.code == 1 and "nothing was spent" in outcome.err
    assert re.search(r"^error: the boundary `local` .*openrouter", outcome.err, re.MULTILINE)


async def test_the_base_url_is_where_it_is_sent(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", "some-model", "--base-url", upstream.url)
        assert (await upstream.received()).body["model"] == "some-model"
    assert outcome.code == 0


async def test_an_agent_of_the_config_is_run_by_name(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        config = tmp_path / ".agentroute/config.yaml"
        config.parent.mkdir()
        config.write_text(f"agents:\n  poet:\n    model: {upstream.url}/m\n    instructions: Rhyme.\n")
        await agentrouted(tmp_path, "run", "hi", "--agent", "poet")
        assert (await upstream.received()).body["messages"][0]["content"] == "Rhyme."


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def test_an_answer_of_a_schema_is_json_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    async with Upstream([Reply.text('Here: {"city":', ' "Zürich"}')]) as upstream:
        options = ("-m", f"{upstream.url}/m", "--output", str(tmp_path / "schema.json"))
        outcome = await agentrouted(tmp_path, "run", "Where?", *options)
    assert (outcome.code, outcome.out) == (0, '{\n  "city": "Zürich"\n}\n')
    assert "tokens in" in outcome.err


async def test_an_answer_that_the_model_refuses_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    async with Upstream([Reply.text("I will not.", finish="content_filter")]) as upstream:
        options = ("-m", f"{upstream.url}/m", "--output", str(tmp_path / "schema.json"))
        outcome = await agentrouted(tmp_path, "run", "Where?", *options)
    assert (outcome.code, outcome.out) == (1, "")
    assert "refused" in outcome.err


@pytest.mark.parametrize("content", ["not JSON", "[]", None])
async def test_a_file_that_is_no_schema_is_an_error_that_names_it(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "schema.json").write_text(content)
    outcome = await agentrouted(tmp_path, "run", "hi", "-m", "m", "-o", str(tmp_path / "schema.json"))
    assert (outcome.code, outcome.out) == (1, "")
    assert "schema.json" in outcome.err and "Traceback" not in outcome.err


async def test_tools_of_an_mcp_server_are_given_by_its_name(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    server = {"command": sys.executable, "args": ["-P", str(SCRIPT)]}
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text(json.dumps({"mcp_servers": {"t": server}}))
    async with Upstream([Reply.tool_call("t__add", {"a": 1, "b": 2}), Reply.text("3.")]) as upstream:
        outcome = await agentrouted(tmp_path, "run", "1 + 2?", "-m", f"{upstream.url}/m", "--mcp", "t")
        answered = upstream.requests[1].body["messages"][-1]["content"]
    assert (outcome.code, outcome.out, answered) == (0, "3.\n", "3")
    assert "t__add was called" in outcome.err


async def test_limits_end_the_run_with_their_error(tmp_path: Path) -> None:
    (tmp_path / ".agentroute").mkdir()
    async with Upstream([Reply.text("never asked")]) as upstream:
        model = {"id": "m", "price": {"input": 1000, "output": 1000}}
        paid = {"api_base": upstream.url, "api_key": "k", "models": [model]}
        (tmp_path / ".agentroute/config.yaml").write_text(json.dumps({"providers": {"paid": paid}}))
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", "paid/m", "--max-cost", "0.0001", "--json")
    error = json.loads(outcome.out.splitlines()[-1])["error"]
    assert (outcome.code, error["data"]["kind"], upstream.requests) == (1, "budgetExceeded", [])
    assert "maxCost" in error["data"]["hint"]


async def test_a_failure_is_an_error_a_hint_and_code_1(tmp_path: Path) -> None:
    async with Upstream([Reply.status(401, {"error": {"message": "bad key"}})]) as upstream:
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", f"{upstream.url}/m")
    assert (outcome.code, outcome.out) == (1, "")
    assert re.search(r"^error: .*$", outcome.err, re.MULTILINE)
    assert "Traceback" not in outcome.err


async def test_a_failure_in_json_is_the_last_line(tmp_path: Path) -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        outcome = await agentrouted(tmp_path, "run", "hi", "-m", f"{upstream.url}/m", "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out.splitlines()[-1])["error"]["data"]["kind"] == "providerAuth"


async def test_ctrl_c_cancels_the_run_and_prints_what_was_spent(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream:
        async with started(tmp_path, "run", "hi", "-m", f"{upstream.url}/m") as process:
            assert process.stdout
            assert await process.stdout.readexactly(5) == b"Hello"
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        request = await upstream.received()
        await request.closed_early.wait()
    assert (process.returncode, out) == (130, b"\n")
    assert b"cancelled" in err
    assert b"1 token in" in err


async def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path: Path) -> None:
    left = asyncio.Event()
    async with Upstream([Reply.text("one\n", left, "two\n", asyncio.Event())]) as upstream:
        read_end, write_end = os.pipe()
        process = await asyncio.create_subprocess_exec(
            *(*AGENTROUTED, "run", "hi", "-m", f"{upstream.url}/m"),
            stdout=write_end,
            stderr=asyncio.subprocess.PIPE,
            env=clean_environment(tmp_path),
        )
        os.close(write_end)
        assert await asyncio.to_thread(os.read, read_end, 100) == b"one\n"
        os.close(read_end)
        left.set()
        _, err = await process.communicate()
    assert (process.returncode, err) == (141, b"")


async def test_on_a_terminal_a_spinner_turns_until_the_text_comes(tmp_path: Path) -> None:
    before, _, after = (await _on_terminal(tmp_path)).partition("Hello")
    assert "⠋" in before
    assert "⠋" not in after
    assert "tokens in" in after


async def test_an_escape_code_of_the_model_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    assert "\x1b[2K[31mHello" in await _on_terminal(tmp_path, text="\x1b[31mHello")


@pytest.mark.parametrize(("no_color", "is_dim"), [("", True), ("1", False)])
async def test_colours_are_for_those_who_want_them(no_color: str, is_dim: bool, tmp_path: Path) -> None:
    assert ("\x1b[2m" in await _on_terminal(tmp_path, NO_COLOR=no_color)) is is_dim


async def _on_terminal(home: Path, text: str = "Hello", **environment: str) -> str:
    """What a terminal shows of a run, whose model answers as soon as the spinner has turned."""
    turned = asyncio.Event()
    async with Upstream([Reply.text(text).held(turned)]) as upstream:
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(*AGENTROUTED, "run", "hi", "-m", f"{upstream.url}/m"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=clean_environment(home, TERM="xterm", **environment),
        )
        os.close(theirs)
        screen = b""
        while data := await asyncio.to_thread(read_terminal, ours):
            screen += data
            if upstream.requests and "⠋".encode() in data:
                turned.set()
        os.close(ours)
        await process.wait()
    return screen.decode()
