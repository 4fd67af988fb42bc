"""The conversations of docs/runs.md, played as they stand there."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from harness.peer import TIME_LIMIT, Peer, Spawned, clean_environment, frame, joined, spawned

from agentrouted.core.config.load import load_text
from agentrouted.testing.upstream import Reply, Upstream

PAGE = (Path(__file__).parents[2] / "docs/runs.md").read_text()

SCRIPTS = {
    "Begin": [Reply.text("Rayleigh scattering.")],
    "Tools of yours": [Reply.tool_call("temperature", {"city": "Rome"}), Reply.text("It is 21 °C.")],
    "Approvals": [Reply.tool_call("remove", {"path": "build"}), Reply.text("I kept it.")],
    "A structured answer": [Reply.text('{"city": "Rome", "celsius": 21}')],
    "Limits and failures": [Reply.tool_call("look", {})],
    "Cancel": [Reply.text("Once upon", asyncio.Event())],
    "Steer": [Reply.tool_call("search", {}), Reply.text("In docs/runs.md.")],
    "Detach, and come back": [Reply.tool_call("pay", {}), Reply.text("It is paid.")],
    "After a crash": [Reply.tool_call("book", {}), Reply.text("Have a good trip.")],
    "Fork": [Reply.text("Minka."), Reply.text("Mauz.")],
}


@pytest.mark.parametrize("heading", SCRIPTS)
async def test_a_conversation_goes_as_the_page_says(heading: str, tmp_path: Path) -> None:
    async with Upstream(SCRIPTS[heading]) as upstream, AsyncExitStack() as at_end:
        stage = Stage(clean_environment(tmp_path, OLLAMA_BASE_URL=upstream.url), at_end)
        await stage.start_daemon()
        await stage.connect()
        for said_by, message in lines(heading):
            await stage.play(said_by, message)


def test_every_conversation_is_played() -> None:
    assert [heading for heading in re.findall(r"^## (.*)$", PAGE, re.MULTILINE) if list(lines(heading))] == [*SCRIPTS]


def test_the_config_is_a_good_one() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert load_text(example, None, {}).problems == ()


def test_every_link_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^## (.*)$", PAGE, re.M)
    }
    for file, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", PAGE):
        assert (Path(__file__).parents[2] / "docs" / file).exists() and (file or anchor in anchors)


WE, DAEMON, NEW_CONNECTION, NEW_DAEMON = "→", "←", "a new connection", "kill -9, and a new daemon"
OPEN = "…"


def lines(heading: str) -> Iterator[tuple[str, Any]]:
    """Who says what, in order; what happens beside has no message."""
    _, _, section = PAGE.partition(f"\n## {heading}\n")
    for block in re.findall(r"```jsonc\n(.*?)```", section.partition("\n## ")[0], re.DOTALL):
        for said_by, text in re.findall(r"^// (.*)\n((?:[^/].*\n)*)", block, re.MULTILINE):
            yield from ((said_by, message) for message in documents(text)) if text else [(said_by, None)]


def documents(text: str) -> Iterator[Any]:
    """JSON after JSON. An object that ends with `…` may have more fields, and `[…]` or `"…"` is any value."""
    text = re.sub(r"([{,]\s*)…", rf'\1"{OPEN}": true', text).replace("[…]", f'"{OPEN}"').strip()
    while text:
        message, end = json.JSONDecoder().raw_decode(text)
        yield message
        text = text[end:].strip()


class Stage:
    """A daemon, a client of it that says what the page says, and hears whether the daemon does."""

    def __init__(self, environment: dict[str, str], at_end: AsyncExitStack) -> None:
        self.environment = environment
        self.at_end = at_end
        self.home = Path(environment["HOME"])
        self.daemons: list[Spawned] = []
        self.ids: dict[str, Any] = {}
        """The daemon's own ids, by those of the page."""

    @property
    def socket(self) -> Path:
        return self.home / f"{len(self.daemons)}.sock"

    async def start_daemon(self) -> None:
        socket = self.home / f"{len(self.daemons) + 1}.sock"
        starting = spawned(self.home, "serve", "--listen", str(socket), environment=self.environment)
        self.daemons.append(await self.at_end.enter_async_context(starting))
        async with asyncio.timeout(TIME_LIMIT):
            while not socket.exists():
                await asyncio.sleep(0.01)

    async def connect(self) -> None:
        self.peer: Peer = await self.at_end.enter_async_context(joined(self.socket))
        self.unheard: list[Any] = []
        self.is_open = False

    async def play(self, said_by: str, message: Any) -> None:
        if said_by == NEW_DAEMON:
            self.daemons[-1].process.kill()
            await self.daemons[-1].process.wait()
            await self.start_daemon()
        if said_by in (NEW_CONNECTION, NEW_DAEMON):
            self.peer.writer.close()
            await self.connect()
        elif said_by == WE:
            await self.say(message)
        else:
            assert said_by == DAEMON
            await self.hear(message)

    async def say(self, message: Any) -> None:
        """A connection that the page does not open is opened as the first one of it is."""
        if not self.is_open and message.get("method") != "initialize":
            await self.peer.initialize(tools=True, approvals=True)
        self.is_open = True
        if "method" not in message:
            message = message | {"id": self.ids[message["id"]]}
        self.peer.send(frame({"jsonrpc": "2.0", **message}))

    async def hear(self, expected: Any) -> None:
        """What comes beside it is not lost: the page may tell of it later."""
        while not (found := [message for message in self.unheard if self.fits(message, expected)]):
            self.unheard.append(await self.peer.read())
        self.unheard.remove(found[0])
        if "method" in expected and "id" in expected:
            self.ids[expected["id"]] = found[0]["id"]

    def fits(self, message: Any, expected: Any) -> bool:
        plain = {key: value for key, value in message.items() if key != "jsonrpc"}
        if "method" in expected and "id" in expected and "id" in plain:
            plain["id"] = expected["id"]
        return is_like(plain, expected)


def is_like(actual: Any, expected: Any) -> bool:
    if isinstance(expected, dict) and isinstance(actual, dict):
        wanted = {key: value for key, value in expected.items() if key != OPEN}
        has_all = all(key in actual and is_like(actual[key], value) for key, value in wanted.items())
        return has_all and (OPEN in expected or actual.keys() == wanted.keys())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(is_like, actual, expected))
    return expected == OPEN or bool(actual == expected)
