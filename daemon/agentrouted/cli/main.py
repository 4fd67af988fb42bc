"""The command line: a row per command, loaded when asked for."""

# At the top only what `--help` needs: it must be there at once.

import argparse
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Final

from agentrouted.cli.door_help import HELP
from agentrouted_protocol.version import __version__

COMMANDS: Final = {
    "run": "run a prompt on a model, or an agent, and stream the answer",
    "runs": "list runs; show, attach to, resume or cancel one",
    "usage": "what model calls have used and cost",
    "resolve": "show where a model string leads, and why",
    "models": "list what can run now; pull a model to run on this machine",
    "memory": "remember, recall, list and forget; sessions, export, import",
    "db": "check, back up or pack the file that all is kept in",
    "config": "check the config file, or show what is in force",
    "doctor": "check this installation, and say how to mend it",
    "status": "how the shared daemon is doing",
    "stop": "end the shared daemon",
    "logs": "show what the daemon has written down",
    "schema": "print the JSON Schema of the protocol or of the config file",
}
"""A module of `cli.commands` each, with `EXAMPLE`, `add_arguments(parser)` and `run(arguments)`.

One that has commands of its own may have a `DEFAULT` among them.
"""

_DOORS: Final = """\
  agentrouted                     serve one client on stdin and stdout (also: --stdio)
  agentrouted serve               serve all your programs on a Unix socket
  agentrouted connect             join that socket; start its daemon if there is none
  agentrouted --pipe=NAME         connect to a client that listens there (also: --socket=PORT)
  Each of them takes --config FILE.
"""
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(argv: list[str]) -> int:
    """0: done. 1: an error. 2: a command line that cannot be meant. 130: ended by Ctrl-C."""
    name, *rest = argv or ["--help"]
    if name == "--version":
        print(f"agentrouted {__version__}")
        return 0
    if name in COMMANDS:
        return _run(import_module(f"agentrouted.cli.commands.{name}"), name, rest)
    if {"-h", "--help"} & set(argv):
        print(HELP.get(name) or _help(), end="")
        return 0
    return _unknown(name)


def _run(command: ModuleType, name: str, argv: list[str]) -> int:
    whole = _parser(command, name)
    arguments, unknown = whole.parse_known_args(_with_default(command, argv))
    parser: argparse.ArgumentParser = getattr(arguments, "parser", whole)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        code: int = command.run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; without this, Python would complain about it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except argparse.ArgumentError as error:
        parser.error(str(error))
    except Exception as error:  # noqa: BLE001 - the one place where an error becomes words for a person
        return _failed(error, parser, as_json=arguments.json)


def _with_default(command: ModuleType, argv: list[str]) -> list[str]:
    """`runs --status failed` is `runs list --status failed`; a help is about all of them."""
    first = next((word for word in argv if word != "--json"), "--")
    names_one = not first.startswith("-") or first in {"-h", "--help"}
    default: str | None = getattr(command, "DEFAULT", None)
    return argv if names_one or default is None else [default, *argv]


def _parser(command: ModuleType, name: str) -> argparse.ArgumentParser:
    summary = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=f"agentrouted {name}",
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example: {command.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


def _failed(error: Exception, parser: argparse.ArgumentParser, *, as_json: bool) -> int:
    # Not earlier: its imports cost more than a help text may.
    from agentrouted.cli.failure import refused_argument, tell_failure

    if refused := refused_argument(error, parser):
        parser.error(str(refused))
    tell_failure(error, as_json=as_json)
    return 1


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "".join(f"  {name:{width}}  {summary}\n" for name, summary in COMMANDS.items())
    return (
        "Model routing and agents for every editor and program on your machine.\n\n"
        f"usage: agentrouted COMMAND …\n\n{rows}\nfor editors and programs:\n{_DOORS}\n"
        "`agentrouted COMMAND --help` says more about each.\n"
        'example: agentrouted run "Say hello." -m local/smollm2-135m\n'
    )


def _unknown(name: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `agentrouted {near[0]}`?" if near else "`agentrouted --help` lists the commands"
    print(f"error: there is no command {name!r}\nhint: {hint}", file=sys.stderr)
    return 2
