"""No key is ever shown: not by any answer, event, log or file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.command import agentrouted
from harness.peer import Peer, clean_environment, frame, request, spawned

from agentrouted.testing.upstream import Received, Reply, Upstream

# Of no shape by which a key is known.
MARK = "Zinnoberrot"


def key(place: str) -> str:
    return f"{MARK}-{place}-0123456789"


CONFIG = f"""
providers:
  plain: {{api_base: "URL", local: false, retries: 0, api_key: {key("config")}, headers: {{X-Team: {key("header")}}}}}
  many:
    api_base: "URL"
    local: false
    retries: 0
    accounts:
      one: {key("account")}
      two: {{command: [sh, -c, "echo {key("command")}; echo {key("complaint")} >&2"]}}
      three: {{command: [sh, -c, "echo {key("failing")}; echo {key("failing")} >&2; exit 1", {key("argument")}]}}
  env: {{api_base: "URL", local: false, retries: 0}}
  file: {{api_base: "URL", local: false, retries: 0}}
  client: {{api_base: "URL", local: false, retries: 0}}
daemon: {{log_level: debug}}
"""
ENVIRONMENT = {"AGENTROUTE_ENV_API_KEY": key("environment"), "OPENROUTER_API_KEY": key("openrouter")}
MODELS = ["plain/m", "many/m", "env/m", "file/m", "client/m", "ollama/m", "gpt-4o"]


def made(home: Path, upstream: Upstream) -> dict[str, str]:
    folder = home / ".agentroute"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG.replace("URL", upstream.url))
    (folder / "config").write_text(f"file_api_key={key('keyfile')}\nexample.com={key('host')}")
    return clean_environment(home, **ENVIRONMENT)


def echo(received: Received) -> Reply:
    """A server that shows all that it was sent, in the body and in a header."""
    said = " ".join(received.headers.values())
    return Reply.status(401, f"{said} is refused", headers={"x-request-id": said[:200]})


def written(home: Path) -> Iterator[str]:
    """All that the daemon has written, besides what the user has written himself."""
    for path in home.rglob("*"):
        if (path.is_file() and path.parent.name != ".agentroute") or path.suffix in (".db", ".db-wal"):
            yield path.read_bytes().decode(errors="replace")


async def run(peer: Peer, **params: Any) -> dict[str, Any]:
    peer.send(request("run", "runAgent", {"prompt": "Hi", **params}))
    while True:
        message = await peer.read()
        if message.get("method") == "secret/get":
            peer.send(frame({"jsonrpc": "2.0", "id": message["id"], "result": {"value": key("client")}}))
        elif message.get("id") == "run":
            return message


async def test_no_key_is_in_any_answer_event_log_or_file(tmp_path: Path) -> None:
    async with Upstream([echo]) as upstream:
        environment = made(tmp_path, upstream)
        async with spawned(tmp_path, environment=environment) as peer:
            await peer.initialize(secrets=True)
            for model in MODELS[:5]:
                error = (await run(peer, model=model, runId=model.replace("/", "-")))["error"]
                assert error["data"]["kind"] == "providerAuth"
                await peer.call("run/get", {"runId": model.replace("/", "-")})
            await run(peer, model="plain/m", apiKey=key("param"))
            for model in MODELS:
                await peer.call("resolveModel", {"model": model})
                await peer.call("resolveModel", {"model": model, "apiKey": key("param")})
            for method in ("config/get", "config/reload", "config/validate", "daemon/status", "run/list", "model/list"):
                await peer.call(method, {})
            await peer.call("shutdown")
        sent = str([request.headers for request in upstream.requests])
    assert all(key(place) in sent for place in ("config", "header", "account", "command", "environment", "keyfile"))
    assert key("client") in sent and key("param") in sent
    assert MARK not in str(peer.seen)
    assert not [text for text in written(tmp_path) if MARK in text]


COMMANDS = [
    *(f"resolve --json {model}" for model in MODELS),
    "resolve many/m",
    "config get",
    "config get --json",
    "config check",
    "models --json",
    "doctor",
]


@pytest.mark.parametrize("command", COMMANDS)
async def test_the_command_line_shows_no_key(command: str, tmp_path: Path) -> None:
    async with Upstream() as upstream:
        environment = made(tmp_path, upstream)
        outcome = await agentrouted(tmp_path, *command.split(), **environment)
    assert outcome.out and MARK not in outcome.out + outcome.err


async def test_a_config_that_is_wrong_is_told_without_its_keys(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        environment = made(tmp_path, upstream)
        file = tmp_path / ".agentroute/config.yaml"
        file.write_text(file.read_text().replace("local: false", f"local: {key('astray')}"))
        async with spawned(tmp_path, environment=environment) as peer:
            await peer.initialize()
            assert not (await peer.call("config/reload", {}))["ok"]
            await peer.call("config/get", {})
            await peer.call("shutdown")
    assert MARK not in str(peer.seen)
    assert not [text for text in written(tmp_path) if MARK in text]
