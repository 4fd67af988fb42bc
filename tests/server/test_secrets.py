"""Keys from the editor's keychain: asked for when a run needs one, kept for that connection."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from harness.peer import Peer, connected, frame, initialized, notification, request, serving
from harness.pipes import held_open

from agentrouted.testing.upstream import Received, Reply, Upstream

KEY = "sk-editor-0123456789"


def configured(home: Path, **urls: str) -> None:
    """Providers at these addresses. They count as far away, as if behind a tunnel: so that they want a key."""
    rows = "".join(f"  {name}: {{api_base: '{url}', local: false, retries: 0}}\n" for name, url in urls.items())
    (home / ".agentroute").mkdir()
    (home / ".agentroute/config.yaml").write_text(f"providers:\n{rows}")


def asked(model: str = "acme/m", **more: Any) -> dict[str, Any]:
    return {"model": model, "prompt": "Hi", **more}


def questions(peer: Peer) -> list[dict[str, Any]]:
    return [message["params"] for message in peer.seen if message.get("method") == "secret/get"]


async def call(peer: Peer, params: Mapping[str, Any], *answers: Any) -> dict[str, Any]:
    """A run to its end, its questions answered in this order."""
    left = list(answers)
    peer.send(request("run", "runAgent", params))
    while True:
        message = await peer.read()
        if message.get("method") == "secret/get":
            peer.send(frame({"jsonrpc": "2.0", "id": message["id"], **left.pop(0)}))
        elif message.get("id") == "run":
            return message


def value(key: str | None) -> dict[str, Any]:
    return {"result": {"value": key}}


def host_of(upstream: Upstream) -> str:
    return upstream.url.removeprefix("http://").removesuffix("/v1")


def keys_of(upstream: Upstream) -> list[str | None]:
    return [request.headers.get("authorization") for request in upstream.requests]


def takes(key: str) -> Any:
    def reply(received: Received) -> Reply:
        return Reply.text("Hello") if received.headers.get("authorization") == f"Bearer {key}" else Reply.status(401)

    return reply


async def test_the_client_gives_a_key_once_for_its_connection(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path, secrets=True) as peer:
            result = (await call(peer, asked(), value(f" {KEY} \n")))["result"]
            await call(peer, asked())
            assert questions(peer) == [{"provider": "acme", "host": host_of(upstream)}]
        assert keys_of(upstream) == [f"Bearer {KEY}"] * 2
        assert result["route"]["auth"]["source"] == "client"
        assert KEY not in str(peer.seen)


async def test_many_runs_at_once_ask_once(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path, secrets=True) as peer:
            for number in range(10):
                peer.send(request(number, "runAgent", asked()))
            question = await peer.until("secret/get")
            peer.send(frame({"jsonrpc": "2.0", "id": question["id"], **value(KEY)}))
            waited_for = set(range(10))
            while waited_for:
                waited_for.discard((await peer.read()).get("id"))
            assert len(questions(peer)) == 1
        assert keys_of(upstream) == [f"Bearer {KEY}"] * 10


@pytest.mark.parametrize(
    "answer",
    [
        {"result": None},
        {"result": {}},
        value(None),
        value("  "),
        {"result": {"value": 5}},
        {"result": {"secret": KEY}},
        {"result": KEY},
        {"error": {"code": -32601, "message": "no such method"}},
    ],
)
async def test_no_answer_is_no_key(answer: dict[str, Any], tmp_path: Path) -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path, secrets=True) as peer:
            error = (await call(peer, asked(), answer))["error"]
        assert set(keys_of(upstream)) == {None}
    assert error["data"]["kind"] == "providerAuth"
    assert KEY not in str(error)


async def test_a_key_that_is_refused_is_asked_for_anew(tmp_path: Path) -> None:
    async with Upstream([takes(KEY)]) as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path, secrets=True) as peer:
            result = (await call(peer, asked(), value("sk-mistyped-0123456789"), value(KEY)))["result"]
            await call(peer, asked())
            assert (result["text"], len(questions(peer))) == ("Hello", 2)


async def test_a_client_that_did_not_offer_keys_is_not_asked(tmp_path: Path) -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path) as peer:
            assert (await call(peer, asked()))["error"]["data"]["kind"] == "providerAuth"
            assert (await peer.call("resolveModel", {"model": "gpt-4o"}))["auth"]["source"] == "none"


async def test_a_key_that_is_kept_elsewhere_comes_first(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        (tmp_path / ".agentroute/config").write_text("acme_api_key=sk-file-0123456789")
        async with initialized(tmp_path, secrets=True) as peer:
            await call(peer, asked())
            await call(peer, asked(apiKey="sk-param-0123456789"))
            await call(peer, asked("ollama/m", baseUrl=upstream.url))
        assert keys_of(upstream)[:2] == ["Bearer sk-file-0123456789", "Bearer sk-param-0123456789"]


async def test_each_host_has_a_key_of_its_own(tmp_path: Path) -> None:
    async with Upstream() as one, Upstream() as other:
        configured(tmp_path, one=one.url, other=other.url)
        async with initialized(tmp_path, secrets=True) as peer:
            await call(peer, asked("one/m"), value("sk-one-0123456789"))
            await call(peer, asked("other/m"), value("sk-other-0123456789"))
            await call(peer, asked("one/m", baseUrl=other.url))
            assert questions(peer) == [
                {"provider": "one", "host": host_of(one)},
                {"provider": "other", "host": host_of(other)},
            ]
        assert keys_of(one) == ["Bearer sk-one-0123456789"]
        assert keys_of(other) == ["Bearer sk-other-0123456789"] * 2


async def test_the_key_of_one_client_is_not_used_for_another(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        async with serving(tmp_path) as socket:
            async with connected(socket, secrets=True) as one, connected(socket, secrets=True) as other:
                await call(one, asked(), value("sk-one-0123456789"))
                await call(other, asked(), value("sk-other-0123456789"))
            async with connected(socket, secrets=True) as back:
                await call(back, asked(), value("sk-back-0123456789"))
        assert keys_of(upstream) == [f"Bearer sk-{name}-0123456789" for name in ("one", "other", "back")]


async def test_a_question_is_taken_back_when_its_run_is_cancelled(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path, secrets=True) as peer:
            peer.send(request(1, "runAgent", asked(runId="r")))
            await peer.until("secret/get")
            peer.send(notification("$/cancelRequest", {"id": 1}))
            await peer.until("$/cancelRequest")
            assert (await peer.answer(1))["result"]["stopReason"] == "cancelled"
        assert upstream.connections == 0


async def test_a_run_that_waits_for_a_key_is_waiting(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        async with initialized(tmp_path, secrets=True) as peer:
            peer.send(request(1, "runAgent", asked(runId="r")))
            await peer.until("secret/get")
            runs = (await peer.call("run/list", {}))["runs"]
            assert [(run["runId"], run["status"]) for run in runs] == [("r", "waiting")]


async def test_a_client_that_goes_away_before_it_answers_has_no_key(tmp_path: Path) -> None:
    async with Upstream([Reply.status(401)]) as upstream:
        configured(tmp_path, acme=upstream.url)
        async with serving(tmp_path) as socket:
            async with connected(socket, secrets=True) as gone:
                await gone.call("runAgent", asked(runId="r", detach=True, onDisconnect="continue"))
                await gone.until("secret/get")
            async with connected(socket) as peer:
                error = await peer.call("runAgent", asked(runId="r", onDisconnect="continue"))
                assert error["data"]["kind"] == "providerAuth"


async def test_a_command_that_hangs_ends_with_the_daemon(tmp_path: Path) -> None:
    configured(tmp_path, acme="http://127.0.0.1:9/v1")
    file, script = tmp_path / ".agentroute/config.yaml", f"exec 3> {tmp_path}/held; echo begun >&3; exec sleep 1000"
    file.write_text(file.read_text().replace("retries: 0", f"api_key: {{command: [sh, -c, '{script}']}}"))
    async with held_open(tmp_path / "held") as (reader, ours), initialized(tmp_path) as peer:
        peer.send(request(1, "runAgent", asked()))
        assert await reader.readline() == b"begun\n"
        peer.writer.close()
        os.close(ours)
        assert await reader.read() == b""


async def test_a_probe_asks_for_a_key_and_a_list_of_models_does_not(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        configured(tmp_path, acme=upstream.url)
        with (tmp_path / ".agentroute/config.yaml").open("a") as file:
            file.write("models: {fast: acme/m}")
        async with initialized(tmp_path, secrets=True) as peer:
            listed = {each["model"]: each for each in (await peer.call("model/list"))["models"]}
            assert listed["fast"]["state"] == "unknown" and "secret/get" in listed["fast"]["mend"]
            assert questions(peer) == []
            peer.send(request(1, "model/probe", {"model": "acme/m"}))
            question = await peer.until("secret/get")
            peer.send(frame({"jsonrpc": "2.0", "id": question["id"], **value(KEY)}))
            assert (await peer.answer(1))["result"]["streaming"]
        assert set(keys_of(upstream)) == {f"Bearer {KEY}"}


async def test_a_route_says_that_this_client_will_be_asked_and_asks_nobody(tmp_path: Path) -> None:
    async with initialized(tmp_path, secrets=True) as peer:
        auth = (await peer.call("resolveModel", {"model": "gpt-4o"}))["auth"]
        assert auth["source"] == "client" and "secret/get" in auth["hint"]
        assert questions(peer) == []
