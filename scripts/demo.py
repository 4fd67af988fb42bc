"""Starts a daemon as an editor would, and runs an agent."""

import asyncio
import json

from agentrouted.cli.answer import AnswerInWords
from agentrouted_client import Client

MODEL = "local/smollm2-135m"
PROMPT = "Tell me in three sentences why the sky is blue."


async def main() -> None:
    async with Client.spawn(client_name="demo") as client:
        route = await client.resolve_model(MODEL)
        print(f"resolveModel {MODEL}")
        print(f"  {route.provider}, {route.wire}, rule {route.rule}, on this machine: {route.local}")

        print(f"\nrunAgent {PROMPT!r}")
        with AnswerInWords() as answer:
            run = client.run_agent(PROMPT, model=MODEL, instructions="Answer briefly.", max_tokens=90)
            async for event in run:
                answer.show(event)
            result = await run.result
            answer.show_result(result)

        print(f"\nusage {json.dumps(result.usage.to_wire())}")


asyncio.run(main())
