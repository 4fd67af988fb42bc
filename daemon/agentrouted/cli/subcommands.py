"""Commands of a command, each with arguments of its own."""

import argparse
from collections.abc import Mapping


def add_subcommands(
    parser: argparse.ArgumentParser, summaries: Mapping[str, str]
) -> dict[str, argparse.ArgumentParser]:
    """By name. Each takes what is added to it and `--json`, and refuses the rest."""
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    added = {}
    for name, summary in summaries.items():
        description = f"{summary[0].upper()}{summary[1:]}."
        added[name] = commands.add_parser(name, help=summary, description=description, allow_abbrev=False)
        # Its usage is what helps whoever has made a mistake in it.
        added[name].set_defaults(parser=added[name])
        # Without a default of its own: one that stands before the command's name holds as well.
        added[name].add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON, for programs"
        )
    return added
