"""python-lsp-jsonrpc. Arguments: the daemon's command, or `--join SOCKET`."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from pylsp_jsonrpc.endpoint import Endpoint
from pylsp_jsonrpc.streams import JsonRpcStreamReader, JsonRpcStreamWriter

Pipes = tuple[IO[bytes], IO[bytes], Callable[[], int]]


def main(command: str, *rest: str) -> None:
    reader, writer, wait = join(*rest) if command == "--join" else start(command, *rest)
    endpoint = Endpoint({}, JsonRpcStreamWriter(writer).write)
    listening = threading.Thread(target=JsonRpcStreamReader(reader).listen, args=(endpoint.consume,))
    listening.start()
    endpoint.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}}).result()
    endpoint.notify("initialized", {})
    route = endpoint.request("resolveModel", {"model": "ollama/llama3"}).result()
    endpoint.request("shutdown").result()
    endpoint.notify("exit")
    listening.join()
    endpoint.shutdown()
    json.dump({"provider": route["provider"], "modelId": route["modelId"], "exitCode": wait()}, sys.stdout)


def join(path: str) -> Pipes:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection.makefile("rb"), connection.makefile("wb"), lambda: 0


def start(*command: str) -> Pipes:
    daemon = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert daemon.stdin is not None and daemon.stdout is not None
    return daemon.stdout, daemon.stdin, daemon.wait


main(*sys.argv[1:])
