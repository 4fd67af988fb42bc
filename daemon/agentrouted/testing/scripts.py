"""The scripts that the upstream knows by name."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from agentrouted.testing.connection import Received
from agentrouted.testing.replies import Reply


def _echo(request: Received) -> Reply:
    return Reply.text(*str(request.body["messages"][-1]["content"]).split(" "))


def _use_tool(request: Received) -> Reply:
    """Asks for the first tool it is offered, then says what the tool said."""
    last = request.body["messages"][-1]
    if last["role"] == "tool" or not request.body.get("tools"):
        return Reply.text("The tool said: ", str(last["content"]))
    return Reply.tool_call(request.body["tools"][0]["function"]["name"], {})


SCRIPTS: Mapping[str, Sequence[Reply | Callable[[Received], Reply]]] = {
    "hello": [Reply.text("Hello", " world")],
    "echo": [_echo],
    "tool": [_use_tool],
    "hang": [Reply.text("Wait", asyncio.Event())],
    "silence": [Reply.silence()],
    "overloaded": [Reply.status(429, headers={"retry-after": "1"})],
}
"""`hello`, two deltas · `echo`, the prompt · `tool`, the first tool, then its result · `hang`, one delta and no end ·
`silence`, no byte · `overloaded`, 429."""
