"""`agentrouted schema`: the shapes, for programs and editors."""

import argparse

EXAMPLE = "agentrouted schema config > config.schema.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "of",
        nargs="?",
        choices=("protocol", "config"),
        default="protocol",
        help="of what crosses the wire, or of the config file (default: protocol)",
    )


def run(arguments: argparse.Namespace) -> int:
    print(_render(arguments.of), end="")
    return 0


def _render(of: str) -> str:
    if of == "config":
        from agentrouted.core.config import schema as config_schema

        return config_schema.render_schema()
    from agentrouted_protocol import schema as protocol_schema

    return protocol_schema.render_schema()
