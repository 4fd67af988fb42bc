"""What of the log is told to clients: `window/logMessage`."""

import contextlib
import socket as sockets
from pathlib import Path
from typing import Any

from harness.peer import Peer, initialized, joined, notification, request, serving, spawned

ERROR, WARNING, INFO = 1, 2, 3

UNREADABLE = notification("workspace/didChangeConfiguration", {"settings": {"agentrouted": {"tools": "perhaps"}}})
"""The daemon logs a warning about it."""


def write_config(home: Path, text: str) -> None:
    file = home / ".agentroute" / "config.yaml"
    file.parent.mkdir(exist_ok=True)
    (new := file.with_suffix(".new")).write_text(text)
    new.rename(file)


async def told(peer: Peer, *parts: str) -> dict[str, Any]:
    """The next entry that has these parts."""
    while True:
        entry = dict((await peer.until("window/logMessage"))["params"])
        if all(part in entry["message"] for part in parts):
            return entry


def entries(peer: Peer) -> list[dict[str, Any]]:
    return [message["params"] for message in peer.seen if message.get("method") == "window/logMessage"]


async def test_a_config_that_turns_bad_and_good_again_is_told(tmp_path: Path) -> None:
    write_config(tmp_path, "models: {fast: ollama/one}\n")
    async with initialized(tmp_path) as peer:
        await peer.call("resolveModel", {"model": "fast"})
        write_config(tmp_path, "modelz: {}\n")
        entry = await told(peer, "config.yaml", "modelz")
        assert entry["type"] == WARNING
        write_config(tmp_path, "models: {fast: ollama/two}\n")
        await told(peer, "config.yaml", "in force again")


async def test_a_config_that_was_bad_before_a_client_came_is_told_too(tmp_path: Path) -> None:
    write_config(tmp_path, "modelz: {}\n")
    async with initialized(tmp_path) as peer:
        assert (await told(peer, "config.yaml", "modelz"))["type"] == WARNING


async def test_nothing_is_told_before_the_answer_to_initialize(tmp_path: Path) -> None:
    async with spawned(tmp_path) as peer:
        # Not the usual first message, so that the whole daemon answers it.
        peer.send(request(0, "daemon/status"))
        peer.send(request(1, "initialize", {"initializationOptions": {"agentrouted": {"tools": "perhaps"}}}))
        await told(peer, "tools")
        assert [message.get("id") for message in peer.seen] == [0, 1, None]


async def test_every_client_is_told_and_who_is_cut_off_harms_nobody(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as one, joined(socket) as two:
        await one.initialize()
        await two.initialize()
        with sockets.socket(sockets.AF_UNIX) as deaf:
            deaf.connect(str(socket))
            deaf.sendall(request(0, "initialize", {"capabilities": {}}))
            with contextlib.suppress(ConnectionError):
                while True:
                    deaf.sendall(request(1, "config/get", {}) * 1000)
            assert (await told(one, "unread"))["type"] == WARNING
        assert (await told(two, "unread"))["type"] == WARNING
        assert (await two.call("daemon/status"))["connections"] == 2
        assert len(entries(two)) == 1


async def test_a_trace_tells_more_until_it_is_turned_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as one, joined(socket) as two:
        await one.call("initialize", {"capabilities": {}, "trace": "messages"})
        await two.initialize(clientName="the second")
        assert (await told(one, "the second"))["type"] == INFO
        one.send(notification("$/setTrace", {"value": "off"}))
        await one.call("daemon/status")
        async with joined(socket) as three:
            await three.initialize(clientName="the third")
        one.send(notification("$/setTrace", {"value": "verbose"}))
        await one.call("daemon/status")
        async with joined(socket) as four:
            await four.initialize(clientName="the fourth")
        await told(one, "the fourth")
        assert not any("the third" in entry["message"] for entry in entries(one))
        assert entries(two) == []


async def test_who_opts_out_is_not_told(tmp_path: Path) -> None:
    async with initialized(tmp_path, optOut=["window/logMessage"]) as peer:
        peer.send(UNREADABLE)
        await peer.call("daemon/status")
        await peer.call("daemon/status")
        assert entries(peer) == []


async def test_of_a_flood_the_first_are_told_and_the_rest_is_counted(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        peer.send(UNREADABLE * 500)
        await told(peer, "agentrouted logs")
        assert len(entries(peer)) < 100
        assert f"{500 - len(entries(peer)) + 1} more" in entries(peer)[-1]["message"]


async def test_what_looks_like_a_key_is_not_told(tmp_path: Path) -> None:
    key = "sk-test-0123456789abcdef"
    async with initialized(tmp_path) as peer:
        settings = {"settings": {"agentrouted": {"secrets": 3}}}
        peer.send(notification("workspace/didChangeConfiguration", settings))
        await told(peer, "secrets")
        async with spawned(tmp_path, f"--{key}") as other:
            await other.initialize()
        write_config(tmp_path, f"{key}: 1\n")
        await told(peer, "config.yaml")
        assert key not in str(entries(peer))
