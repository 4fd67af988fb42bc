"""`agentrouted memory`: what is remembered, by whom, and not."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final, get_args

from pydantic import ValidationError

from agentrouted.cli.door import daemon
from agentrouted.cli.memory import facts, sessions, transfer
from agentrouted.cli.memory.words import Shown, scope
from agentrouted.core.errors import InvalidParams
from agentrouted_client import Client
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.memory import HitKind, MemoryFormat
from agentrouted_protocol.scope import Scope

# Each returns the result, and what shows it to a person.
_DO: Final[dict[str, Callable[[Client, argparse.Namespace], Awaitable[tuple[WireModel, Shown]]]]] = {
    "remember": facts.remember,
    "recall": facts.recall,
    "get": facts.get,
    "list": facts.list_,
    "forget": facts.forget,
    "sessions": sessions.sessions,
    "messages": sessions.messages,
    "clear": sessions.clear,
    "export": transfer.export,
    "import": transfer.import_,
    "vectors": transfer.vectors,
}

# What of the command line each of them looks at: anything else would be without effect. All but one take a scope, too.
_TAKES: Final = {
    "remember": {"words", "key", "kind", "tag", "valid_from", "valid_to", "expires", "allow_secrets"},
    "recall": {"words", "kind", "tag", "since", "until", "said_in", "limit", "explain"},
    "get": {"id", "key"},
    "list": {"kind", "tag", "limit", "cursor"},
    "forget": {"id", "key", "kind", "tag", "since", "until", "dry_run"},
    "sessions": {"limit", "cursor"},
    "messages": {"words", "limit"},
    "clear": {"words"},
    "export": {"words"},
    "import": {"words", "format"},
    "vectors": set[str](),
}
_TAKES_EVERYTHING: Final = {"everything", "dry_run"}
_OF_ALL: Final = {"what", "json"}
_WHOSE: Final = set(Scope.model_fields)

EXAMPLE = 'agentrouted memory recall "Which colour do I like?" --user ada'

_WHAT = """\
remember TEXT; recall WORDS: what fits best, none for the newest; get or forget what --id or --key names, or forget what
--kind, --tag, --since, --until or --everything does; list facts; list sessions; show the messages of SESSION, or clear
it; export [FILE] as JSON Lines; import FILE; vectors: wait until all have one"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(_DO), help=_WHAT)
    parser.add_argument("words", nargs="*", metavar="TEXT|WORDS|SESSION|FILE")
    whose = parser.add_argument_group("whose memory it is: what is not named is not seen")
    for name in Scope.model_fields:
        whose.add_argument(f"--{name}", metavar="NAME")
    _add_facts(parser.add_argument_group("facts"))
    _add_found(parser.add_argument_group("what is found, listed or forgotten"))
    parser.add_argument(
        "--format", choices=get_args(MemoryFormat), help="of the file to import; seen from it if left out"
    )


def _add_facts(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--key", help="the same key replaces")
    group.add_argument("--id", help="of one to get or forget")
    group.add_argument(
        "--kind",
        action="append",
        choices=get_args(HitKind),
        help="`fact` if left out when it is new; may be given more than once to find them",
    )
    group.add_argument("--tag", action="append", default=[], help="may be given more than once")
    group.add_argument("--valid-from", metavar="TIME", help="it is recalled from then on; ISO 8601")
    group.add_argument("--valid-to", metavar="TIME", help="it is recalled until then")
    group.add_argument("--expires", metavar="TIME", help="it is forgotten then")
    group.add_argument("--allow-secrets", action="store_true", help="remember also what looks like a key or password")


def _add_found(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-n", "--limit", type=int, metavar="N", help="so many at most; 20 by default")
    group.add_argument("--cursor", help="list what comes after: the `nextCursor` of --json before")
    group.add_argument("--since", help="written since a time such as 2026-01-31, or so long ago: 12h, 7d, 4w")
    group.add_argument("--until", help="the same; not included")
    group.add_argument("--said-in", metavar="SESSION", help="recall messages of this session only")
    group.add_argument("--explain", action="store_true", help="show why each was found")
    group.add_argument("--dry-run", action="store_true", help="forget nothing, and say how much it would be")
    group.add_argument(
        "--everything",
        action="store_true",
        help="forget facts, conversations and runs of all scopes with these names, and look whether the file is clean",
    )


def run(arguments: argparse.Namespace) -> int:
    erases = arguments.what == "forget" and arguments.everything
    _refuse_others(arguments, _TAKES_EVERYTHING if erases else _TAKES[arguments.what])
    if erases:
        # Lazy: it takes sqlite3 and the journal with it, and no other command opens the file.
        from agentrouted.cli.memory.erasing import erase

        return erase(scope(arguments), dry_run=arguments.dry_run, as_json=arguments.json)
    try:
        return asyncio.run(_ask(arguments))
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidParams(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error


def _refuse_others(arguments: argparse.Namespace, taken: set[str]) -> None:
    given = {name for name, value in vars(arguments).items() if value not in (None, False, [])}
    for name in sorted(given - taken - _OF_ALL - (set() if arguments.what == "vectors" else _WHOSE)):
        said = " ".join(arguments.words) if name == "words" else f"--{name.replace('_', '-')}"
        raise InvalidParams(f"`memory {arguments.what}` takes no `{said}`", hint="see `agentrouted memory --help`")


async def _ask(arguments: argparse.Namespace) -> int:
    async with daemon() as client:
        told, show = await _DO[arguments.what](client, arguments)
    if arguments.json:
        print(json.dumps(told.to_wire()))
    else:
        show()
    return 0
