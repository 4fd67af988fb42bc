"""pygls' own client. Arguments: the daemon's command."""

import asyncio
import json
import sys

from pygls.client import JsonRPCClient


async def main(*command: str) -> None:
    client = JsonRPCClient()
    await client.start_io(*command)
    await client.protocol.send_request_async("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    client.protocol.notify("initialized", {})
    route = await client.protocol.send_request_async("resolveModel", {"model": "ollama/llama3"})
    await client.protocol.send_request_async("shutdown", None)
    client.protocol.notify("exit", None)
    assert client._server is not None
    exit_code = await client._server.wait()
    await client.stop()
    json.dump({"provider": route.provider, "modelId": route.modelId, "exitCode": exit_code}, sys.stdout)


asyncio.run(main(*sys.argv[1:]))
