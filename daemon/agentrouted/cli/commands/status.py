"""`agentrouted status`: how the shared daemon is doing."""

import argparse
import asyncio
import json
from datetime import timedelta

from agentrouted.cli.door import CLIENT_NAME
from agentrouted.cli.terminal import show_table
from agentrouted_client import Client
from agentrouted_protocol.daemon import DaemonStatus

EXAMPLE = "agentrouted status --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None but `--json`."""


def run(arguments: argparse.Namespace) -> int:
    status = asyncio.run(_status())
    if arguments.json:
        print(json.dumps(status.to_wire()))
    else:
        _show(status)
    return 0


async def _status() -> DaemonStatus:
    async with Client.connect(client_name=CLIENT_NAME) as client:
        status: DaemonStatus = await client.request("daemon/status")
        return status


def _show(status: DaemonStatus) -> None:
    rows = [
        ("version", f"{status.version} (protocol {status.protocol_version})"),
        ("process", str(status.pid)),
        ("up", str(timedelta(seconds=round(status.uptime)))),
        ("socket", status.socket or "none"),
        ("connections", str(status.connections)),
        ("runs", str(status.runs)),
        ("memory", f"{status.memory_bytes / 1e6:.0f} MB" if status.memory_bytes else "unknown"),
        ("config", f"{status.config_file or 'none'} (generation {status.config_generation})"),
        *(("model", model) for model in status.embedded_models),
    ]
    show_table(rows)
