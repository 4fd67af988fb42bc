"""A daemon, as a real process, that does as a test says.

Its one argument is Python, run after the handshake with `read`, `send` and `answer` at hand. Standard library only.
"""

import json
import sys
from typing import Any


def scripted(script: str) -> list[str]:
    """The command that starts it."""
    return [sys.executable, __file__, script]


ADVERTISED = {"protocolVersion": 1, "minProtocolVersion": 1, "methods": [], "notifications": [], "limits": {}}


def read() -> Any:
    length = 0
    while (line := sys.stdin.buffer.readline()) not in (b"\r\n", b""):
        length = int(line.partition(b":")[2])
    return json.loads(sys.stdin.buffer.read(length)) if length else None


def send(**message: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def answer(request: Any, result: Any) -> None:
    send(id=request["id"], result=result)


def serve(script: str) -> None:
    """Shake hands, follow the script, then answer `shutdown` and leave on `exit`, as every daemon must."""
    answer(read(), {"capabilities": {"experimental": {"agentrouted": ADVERTISED}}})
    read()
    exec(script, {"read": read, "send": send, "answer": answer, "sys": sys})
    while (message := read()) and message["method"] != "exit":
        if message["method"] == "shutdown":
            answer(message, None)


if __name__ == "__main__":
    serve(sys.argv[1])
