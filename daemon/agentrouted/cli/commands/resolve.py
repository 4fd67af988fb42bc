"""`agentrouted resolve`: where a model string leads, and why."""

import argparse
import asyncio
import json

from agentrouted.cli.door import daemon
from agentrouted.cli.terminal import say, show, show_table
from agentrouted_protocol.routing import Auth, Price, Route

EXAMPLE = "agentrouted resolve ollama/llama3"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model string, such as anthropic/claude-sonnet-4 or ollama/llama3")
    parser.add_argument("--base-url", metavar="URL", help="ask this server, in place of the usual one")


def run(arguments: argparse.Namespace) -> int:
    route = asyncio.run(_resolve(arguments.model, arguments.base_url))
    if arguments.json:
        print(json.dumps(route.to_wire()))
    else:
        _show(route)
    return 0


async def _resolve(model: str, base_url: str | None) -> Route:
    async with daemon() as client:
        return await client.resolve_model(model, base_url=base_url)


def _show(route: Route) -> None:
    rows = [
        ("model", route.model_id),
        ("provider", f"{route.provider} ({'on this machine' if route.local else 'remote'})"),
        ("address", route.base_url),
        ("key", _key(route.auth)),
        *([("price", _price(route.price))] if route.price else []),
        *([("window", f"{route.context_window:,} tokens")] if route.context_window else []),
        ("rule", route.rule),
        *(("then", f"{endpoint.provider}/{endpoint.model_id} at {endpoint.base_url}") for endpoint in route.fallbacks),
    ]
    show_table(rows)
    show()
    show_table([(step.outcome, step.step, step.why) for step in route.trace])
    for warning in route.warnings:
        say(("warning:", "yellow"), f" {warning}")


def _price(price: Price) -> str:
    return f"${price.input:g} in, ${price.output:g} out for a million tokens"


def _key(auth: Auth) -> str:
    return " ".join(filter(None, (auth.source, auth.name, f"({auth.hint})" if auth.hint else None)))
