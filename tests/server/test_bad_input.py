"""Whatever comes in, one answer goes out and the next request works.

The rows are the faults that were seen in stock JSON-RPC engines: input that hangs them, mangles the payload, puts them
out of step with the stream, or is never answered.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from harness.peer import COMMAND, clean_environment, connected, errors, frame, initialized, notification, request

from agentrouted.server.envelope import Request, decode
from agentrouted_protocol.daemon import Limits

RESOLVE = {"model": "ollama/llama3"}
PARSE, INVALID, NO_METHOD, PARAMS = -32700, -32600, -32601, -32602
TOO_LARGE = -31023


def nested(depth: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":7,"method":"resolveModel","params":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


ROWS: dict[str, tuple[bytes, list[tuple[Any, int]]]] = {
    "not JSON": (frame(b"{not json"), [(None, PARSE)]),
    "an empty body": (frame(b""), [(None, PARSE)]),
    "bytes that are no UTF-8": (frame(b'{"jsonrpc":"2.0","id":1,"method":"\xff"}'), [(None, PARSE)]),
    "half a character": (frame(b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"\\ud83d"}}'), [(7, NO_METHOD)]),
    "NaN is not JSON": (frame(b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":NaN}}'), [(1, PARSE)]),
    "deeper than 200": (frame(nested(Limits().depth + 1)), [(7, TOO_LARGE)]),
    "a number": (frame(b"42"), [(None, INVALID)]),
    "a string": (frame(b'"hello"'), [(None, INVALID)]),
    "null": (frame(b"null"), [(None, INVALID)]),
    "an empty batch": (frame(b"[]"), [(None, INVALID)]),
    "a batch": (
        frame([{"jsonrpc": "2.0", "id": 1, "method": "resolveModel"}, {"jsonrpc": "2.0", "id": "b", "method": "x"}]),
        [(1, INVALID), ("b", INVALID)],
    ),
    "an empty object": (frame({}), [(None, INVALID)]),
    "no jsonrpc": (frame({"id": 2, "method": "resolveModel", "params": RESOLVE}), [(2, INVALID)]),
    "jsonrpc 1.0": (frame({"jsonrpc": "1.0", "id": 2, "method": "resolveModel"}), [(2, INVALID)]),
    "no method": (frame({"jsonrpc": "2.0", "id": 3}), [(3, INVALID)]),
    "a method that is a number": (frame({"jsonrpc": "2.0", "id": 3, "method": 5}), [(3, INVALID)]),
    "an id that is null": (frame({"jsonrpc": "2.0", "id": None, "method": "resolveModel"}), [(None, INVALID)]),
    "an id that is an object": (frame({"jsonrpc": "2.0", "id": {}, "method": "resolveModel"}), [(None, INVALID)]),
    "an id that is a fraction": (frame({"jsonrpc": "2.0", "id": 1.5, "method": "resolveModel"}), [(None, INVALID)]),
    "an id that is true": (frame({"jsonrpc": "2.0", "id": True, "method": "resolveModel"}), [(None, INVALID)]),
    "an unknown method": (request(4, "no/such"), [(4, NO_METHOD)]),
    "a method of a later version": (request(4, "usage/later", {}), [(4, NO_METHOD)]),
    "an unknown `$/` request": (request(4, "$/unknown"), [(4, NO_METHOD)]),
    "params missing": (request(5, "resolveModel"), [(5, PARAMS)]),
    "params null": (frame({"jsonrpc": "2.0", "id": 5, "method": "resolveModel", "params": None}), [(5, PARAMS)]),
    "params by position": (request(5, "resolveModel", ["ollama/llama3"]), [(5, PARAMS)]),
    "params a string": (request(5, "resolveModel", "ollama/llama3"), [(5, PARAMS)]),
    "params of the wrong type": (request(5, "resolveModel", {"model": 5}), [(5, PARAMS)]),
    "an unknown param": (request(5, "resolveModel", {**RESOLVE, "base_url": "x"}), [(5, PARAMS)]),
    "a nested jsonrpc": (request(6, "resolveModel", {"model": {"jsonrpc": "2.0", "id": 9}}), [(6, PARAMS)]),
    "initialize twice": (request(8, "initialize", {"capabilities": {}}), [(8, INVALID)]),
    "an empty method": (request(9, ""), [(9, NO_METHOD)]),
    "a notification nobody knows": (notification("no/such", {"a": 1}), []),
    "a `$/` notification nobody knows": (notification("$/unknown"), []),
    "a request sent as a notification": (notification("resolveModel", {}), []),
    "a cancel of nothing": (notification("$/cancelRequest", {"id": 999}), []),
    "a cancel without params": (notification("$/cancelRequest"), []),
    "a cancel of an object": (notification("$/cancelRequest", {"id": {}}), []),
    "an answer to no question": (frame({"jsonrpc": "2.0", "id": 77, "result": {}}), []),
    "an error answer to no question": (frame({"jsonrpc": "2.0", "id": 77, "error": "odd"}), []),
    "an answer without an id": (frame({"jsonrpc": "2.0", "id": None, "error": {"code": -32700}}), []),
    "a header in lower case": (b"content-length: 4\r\n\r\nnull", [(None, INVALID)]),
    "a header with LF": (b"Content-Length: 4\n\nnull", [(None, INVALID)]),
    "a header without length": (b"X: y\r\n\r\n", [(None, PARSE)]),
    "a header without colon": (b"what\r\n\r\n", [(None, PARSE)]),
    "a negative length": (b"Content-Length: -4\r\n\r\n", [(None, PARSE)]),
    "a length that is too short": (b"Content-Length: 3\r\n\r\nnull", [(None, PARSE), (None, PARSE)]),
    "a length of ten gigabytes": (b"Content-Length: 10737418240\r\n\r\n", [(None, TOO_LARGE)]),
    "more than 64 MiB": (b"Content-Length: 67108865\r\n\r\n" + b" " * 67108865, [(None, TOO_LARGE)]),
}


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    """One daemon for all rows: each has a connection of its own, and harms no other."""
    with TemporaryDirectory(prefix="at-") as folder:
        home = Path(folder).resolve()
        path = home / "v1.sock"
        with subprocess.Popen((*COMMAND, "serve", "--listen", str(path)), env=clean_environment(home)) as daemon:
            while not path.exists():
                assert daemon.poll() is None
                time.sleep(0.01)
            yield path
            daemon.kill()


@pytest.mark.parametrize("name", ROWS)
async def test_bad_input_gets_its_answer_and_the_next_request_works(name: str, socket: Path) -> None:
    data, expected = ROWS[name]
    async with connected(socket) as peer:
        peer.send(data + request("next", "resolveModel", RESOLVE))
        answer = await peer.answer("next")
        assert answer["result"]["provider"] == "ollama"
        assert errors(peer.seen) == expected


async def test_lines_of_json_are_answered_as_lines(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        peer.send(b'{"jsonrpc":"2.0","id":3,"method":"resolveModel"}\n')
        line = await peer.reader.readline()
        assert line.startswith(b'{"jsonrpc":"2.0","id":3,"error":{"code":-32700')
        assert (await peer.call("resolveModel", RESOLVE))["provider"] == "ollama"


async def test_a_header_without_end_closes_the_connection(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        peer.send(b"x" * 20_000)
        assert b'"kind":"messageTooLarge"' in await peer.end()
        assert await peer.exit_code() == 1


async def test_two_requests_with_one_id_are_told_apart(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        hanging = {"model": "http://127.0.0.1:9/v1/x", "prompt": "hi"}
        peer.send(request(1, "runAgent", hanging) + request(1, "runAgent", hanging))
        assert (await peer.answer(1))["error"]["code"] == INVALID


async def test_an_error_names_the_field_and_not_its_value(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        error = await peer.call("resolveModel", {"model": "x", "apiKay": "sk-secret"})
        assert error["data"]["details"]["problems"][0]["path"] == "apiKay"
        assert "apiKey" in error["message"] and "sk-secret" not in str(error)


async def test_keys_of_any_name_arrive_as_they_were_sent(tmp_path: Path) -> None:
    odd = {"from": 1, "class": {"jsonrpc": "2.0", "id": 1, "method": "exit"}, "_x": None}
    async with initialized(tmp_path) as peer:
        result = await peer.call("resolveModel", {**RESOLVE, "_meta": odd})
        assert result["provider"] == "ollama"


async def test_ids_are_answered_with_their_own_type(tmp_path: Path) -> None:
    async with initialized(tmp_path) as peer:
        for id_ in (0, -5, 2**53, "", "1", "ä", "a" * 300):
            peer.send(request(id_, "resolveModel", RESOLVE))
            assert (await peer.answer(id_))["result"]["provider"] == "ollama"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\uDC00\uD83D\uDE00\ud83d\ud83d", "\ufffd\U0001f600\ufffd\ufffd"),
        (rb"a path \\ud83d, and \\\ud83d", "a path \\ud83d, and \\\ufffd"),
        (rb"\\ud83d\ude00", "\\ud83d\ufffd"),
    ],
)
def test_half_a_character_is_read_as_none_that_is_known(sent: bytes, read: str) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"memory/recall","params":{"query":"%b"}}' % sent
    [message] = decode(body)
    assert isinstance(message, Request) and message.params == {"query": read}
