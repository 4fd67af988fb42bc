"""Requests and answers, over pipes to a scripted process."""

import asyncio
import os
import sys
from typing import Any

import pytest
from harness import scripted_daemon
from harness.scripted_daemon import scripted

from agentrouted_client import Client, ClientError, DaemonGone, RpcError
from agentrouted_protocol.config import ConfigDidReloadParams
from agentrouted_protocol.errors import CODES


async def test_answers_find_their_requests_in_any_order() -> None:
    script = "first = read(); second = read(); answer(second, 'second'); answer(first, 'first')"
    async with Client.spawn(scripted(script)) as client:
        first, second = await asyncio.gather(client.request("x"), client.request("x"))
    assert (first, second) == ("first", "second")


async def test_params_that_are_none_are_left_out() -> None:
    async with Client.spawn(scripted("request = read(); answer(request, list(request))")) as client:
        assert await client.request("x") == ["jsonrpc", "id", "method"]


async def test_an_error_answer_is_raised_with_its_kind_and_hint() -> None:
    data = {"kind": "modelMissing", "hint": "run `ollama pull llama3`", "aFieldOfTomorrow": 1}
    async with Client.spawn(
        scripted(f"send(id=read()['id'], error={{'code': -31002, 'message': 'no llama3', 'data': {data}}})")
    ) as client:
        with pytest.raises(RpcError, match="no llama3") as caught:
            await client.request("x")
    assert (caught.value.kind, caught.value.code) == ("modelMissing", -31002)
    assert caught.value.hint == "run `ollama pull llama3`"


async def test_the_kind_of_an_error_without_data_follows_from_its_code() -> None:
    async with Client.spawn(scripted("send(id=read()['id'], error={'code': -32601, 'message': 'unknown'})")) as client:
        with pytest.raises(RpcError) as caught:
            await client.request("x")
    assert caught.value.kind == "methodNotFound"


@pytest.mark.parametrize("error", ["{'message': 'no'}", "{'code': 'x', 'message': 'no'}", "'no'"])
async def test_an_error_that_is_not_whole_fails_no_more_than_its_request(error: str) -> None:
    async with Client.spawn(scripted(f"send(id=read()['id'], error={error}); answer(read(), 'still here')")) as client:
        with pytest.raises(RpcError, match="no") as caught:
            await client.request("x")
        assert caught.value.kind == "internalError"
        assert await client.request("y") == "still here"


async def test_an_answer_against_the_contract_is_a_client_error() -> None:
    async with Client.spawn(scripted("answer(read(), {'pid': 'none'})")) as client:
        with pytest.raises(ClientError, match="daemon/status"):
            await client.request("daemon/status")


async def test_a_request_that_is_cancelled_in_the_same_breath_is_answered() -> None:
    script = """
sys.path[0] += "/.."
from harness.peer import notification, request
asked = read()
call = {"runId": "r", "callId": "c", "name": "f", "arguments": {}}
sys.stdout.buffer.write(request(7, "tool/call", call) + notification("$/cancelRequest", {"id": 7}))
sys.stdout.buffer.flush()
answer(asked, read()["error"]["code"])
"""
    async with Client.spawn(scripted(script)) as client:
        assert await client.request("x") == CODES["requestCancelled"]
        assert client._connection._answering == {}


async def test_a_daemon_that_dies_fails_what_is_pending_and_says_its_last_words() -> None:
    async with Client.spawn(scripted("read(); sys.stderr.write('out of memory\\n'); sys.exit(3)")) as client:
        with pytest.raises(DaemonGone, match=r"exit code 3(.|\n)*out of memory"):
            await client.request("x")
        with pytest.raises(DaemonGone, match="exit code 3"):
            await client.request("y")


async def test_a_daemon_that_dies_before_the_handshake_says_why() -> None:
    with pytest.raises(DaemonGone, match="no such option"):
        async with Client.spawn([sys.executable, "-c", "import sys; sys.exit('no such option')"]):
            pass


async def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(DaemonGone, match="agentrouted-of-nowhere") as caught:
        async with Client.spawn(["agentrouted-of-nowhere"]):
            pass
    assert caught.value.hint


@pytest.mark.parametrize(
    "noise", ["Welcome!\\r\\n\\r\\n", "Content-Length: 4\\r\\n\\r\\noops", "Content-Length: 2\\r\\n\\r\\n[]"]
)
async def test_a_stream_that_is_not_json_rpc_fails_what_is_pending(noise: str) -> None:
    async with Client.spawn(scripted(f"read(); sys.stdout.write('{noise}'); sys.stdout.flush()")) as client:
        with pytest.raises(DaemonGone, match="broken"):
            await client.request("x")


async def test_an_error_without_an_id_is_told_with_the_end_of_the_connection() -> None:
    script = "read(); send(id=None, error={'code': -31023, 'message': 'message too large'}); sys.exit(1)"
    async with Client.spawn(scripted(script)) as client:
        with pytest.raises(DaemonGone, match="message too large"):
            await client.request("x")


async def test_cancelling_the_caller_cancels_the_request_at_the_daemon() -> None:
    script = """
request = read()
send(method="config/didReload", params={"generation": 1, "ok": True, "changed": [], "problems": []})
cancel = read()
answer(read(), cancel["method"] == "$/cancelRequest" and cancel["params"]["id"] == request["id"])
"""
    async with Client.spawn(scripted(script)) as client:
        asked = asyncio.Event()
        client.on("config/didReload", lambda _: asked.set())
        request = asyncio.create_task(client.request("slow"))
        await asked.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert await client.request("was it cancelled?") is True


async def test_a_closed_client_answers_at_once() -> None:
    async with Client.spawn(scripted("")) as client:
        pass
    with pytest.raises(DaemonGone, match="closed"):
        await client.request("x")


async def test_closing_fails_what_another_task_still_waits_for() -> None:
    async with Client.spawn(scripted("read()")) as client:
        waiting = asyncio.create_task(client.request("never answered"))
        await asyncio.sleep(0)
    with pytest.raises(DaemonGone):
        await waiting


async def test_a_daemon_that_ignores_shutdown_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentrouted_client.handshake._SECONDS_TO_SHUT_DOWN", 0.05)
    monkeypatch.setattr("agentrouted_client.transport._SECONDS_TO_END", 0.05)
    script = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
answer(read(), os.getpid())
while True:
    signal.pause()
"""
    async with Client.spawn(scripted(script)) as client:
        process_id = await client.request("pid")
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


async def test_notifications_reach_their_listener_as_the_models_of_the_contract() -> None:
    script = """
send(method="config/didReload", params={"generation": 2, "ok": False, "changed": [], "problems": [], "new": 1})
send(method="window/logMessage", params={"type": 3, "message": "hello"})
answer(read(), None)
"""
    heard: list[Any] = []
    async with Client.spawn(scripted(script)) as client:
        client.on("config/didReload", heard.append)
        client.on("window/logMessage", heard.append)
        await client.request("x")
    assert heard == [
        ConfigDidReloadParams(generation=2, ok=False, changed=[], problems=[]),
        {"type": 3, "message": "hello"},
    ]


async def test_a_listener_that_raises_does_not_end_the_connection() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    async with Client.spawn(
        scripted("send(method='window/logMessage', params={}); answer(read(), 'still here')")
    ) as client:
        client.on("window/logMessage", lambda _: 1 / 0)
        assert await client.request("x") == "still here"
    assert isinstance(reported[0]["exception"], ZeroDivisionError)


async def test_a_daemon_of_another_protocol_version_is_refused() -> None:
    newer = "peer['ADVERTISED'].update(protocolVersion=9, minProtocolVersion=9)"
    script = f"import runpy; peer = runpy.run_path({scripted_daemon.__file__!r}); {newer}; peer['serve']('')"
    with pytest.raises(ClientError, match="protocol version 9"):
        async with Client.spawn([sys.executable, "-c", script]):
            pass
