"""Starts a daemon as an editor would, and runs an agent twice."""

import asyncio
import json
from pathlib import Path
from typing import Any

from agentrouted.cli.answer import AnswerInWords
from agentrouted_client import Client

MODEL = "local/smollm2-135m"
ROOT = Path(__file__).parents[1]


async def main() -> None:
    async with Client.spawn(client_name="demo") as client:
        route = await client.resolve_model(MODEL)
        print(f"resolveModel {MODEL}")
        print(f"  {route.provider}, {route.wire}, rule {route.rule}, on this machine: {route.local}")

        await run(client, "Tell me in two sentences why the sky is blue.", instructions="Answer briefly.")

        @client.tool
        def file_size(file: str) -> str:
            """The size of a file."""
            return f"{(ROOT / file).stat().st_size} bytes"

        # The daemon asks this program for what the model cannot know. So small a model needs temperature 0 for that.
        await run(client, "What is the size of README.md?", sampling={"temperature": 0})


async def run(client: Client, prompt: str, **options: Any) -> None:
    print(f"\nrunAgent {prompt!r}")
    with AnswerInWords() as answer:
        run = client.run_agent(prompt, model=MODEL, max_tokens=60, **options)
        async for event in run:
            answer.show(event)
        result = await run.result
        answer.show_result(result)
    print(f"usage {json.dumps(result.usage.to_wire())}")


asyncio.run(main())
