"""`agentrouted memory`: what is remembered, by whom, and not."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, get_args

from agentrouted.cli.door import daemon
from agentrouted.cli.memory import facts, sessions, transfer
from agentrouted.cli.memory.words import Shown, scope
from agentrouted.cli.subcommands import add_subcommands
from agentrouted.cli.times import time, time_or_ago
from agentrouted_client import Client
from agentrouted_protocol.base import WireModel
from agentrouted_protocol.memory import FactKind, HitKind, MemoryFormat
from agentrouted_protocol.scope import Scope

EXAMPLE = 'agentrouted memory recall "Which colour do I like?" --user ada'


@dataclass(frozen=True, slots=True)
class _Command:
    summary: str
    ask: Callable[[Client, argparse.Namespace], Awaitable[tuple[WireModel, Shown]]]
    """Returns the result, and what shows it to a person."""

    options: str = ""
    words: tuple[str, str | None] | None = None
    """What stands without an option: its name, and how often, as argparse's `nargs` has it."""

    whose: str | None = "whose memory it is: what is not named is not seen"
    """What its scope says; None if it takes none."""


_FILTER: Final = "kind tag since until"
_WHOSE_SESSION: Final = "whose conversation it is; needs not be named"
_COMMANDS: Final = {
    "remember": _Command(
        "keep a fact", facts.remember, "key kind:new tag valid-from valid-to expires allow-secrets", ("text", "+")
    ),
    "recall": _Command(
        "find what fits best; without words, the newest",
        facts.recall,
        f"{_FILTER} said-in limit explain",
        ("words", "*"),
    ),
    "get": _Command("show one fact", facts.get, "id key"),
    "list": _Command("list facts, those written last first", facts.list_, "kind:fact tag limit cursor"),
    "forget": _Command("forget facts and messages", facts.forget, f"id key {_FILTER} everything dry-run"),
    "sessions": _Command("list conversations", sessions.sessions, "limit cursor"),
    "messages": _Command("show a conversation", sessions.messages, "limit", ("session_id", None), _WHOSE_SESSION),
    "clear": _Command("forget a conversation", sessions.clear, words=("session_id", None), whose=_WHOSE_SESSION),
    "export": _Command(
        "write all out as JSON Lines, to a file or stdout",
        transfer.export,
        words=("file", "?"),
        whose="whose memory alone; that of all, if none is named",
    ),
    "import": _Command(
        "take in an export, or memories of other programs",
        transfer.import_,
        "format",
        ("file", None),
        "whose memory it becomes where the file names none",
    ),
    "vectors": _Command("wait until all have a vector, and say how far it is", transfer.vectors, whose=None),
}
_MORE: Final = "may be given more than once"
# Behind a colon, for what it is where it is not the same for all. By `dest`, a refusal of that field finds its option.
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "id": {},
    "key": {"help": "of a fact; one that is remembered with the same key replaces it"},
    "kind": {"action": "append", "choices": get_args(HitKind), "help": _MORE},
    "kind:fact": {"action": "append", "choices": get_args(FactKind), "help": _MORE},
    "kind:new": {"choices": get_args(FactKind), "default": "fact", "help": "fact by default"},
    "tag": {"action": "append", "dest": "tags", "default": [], "help": _MORE},
    "since": {"type": time_or_ago, "help": "written since a time such as 2026-01-31, or so long ago: 12h, 7d, 4w"},
    "until": {"type": time_or_ago, "help": "the same; not included"},
    "valid-from": {"type": time, "metavar": "TIME", "help": "recall it from then on; ISO 8601"},
    "valid-to": {"type": time, "metavar": "TIME", "help": "recall it until then"},
    "expires": {"type": time, "metavar": "TIME", "help": "forget it then"},
    "allow-secrets": {"action": "store_true", "help": "keep also what looks like a key or password"},
    "said-in": {"metavar": "SESSION", "help": "only messages of this session"},
    "explain": {"action": "store_true", "help": "show why each was found"},
    "limit": {"type": int, "metavar": "N", "help": "so many at most; 20 by default"},
    "cursor": {"help": "what comes after: the `nextCursor` of --json before"},
    "dry-run": {"action": "store_true", "help": "forget nothing, and say how much it would be"},
    "everything": {
        "action": "store_true",
        "help": "forget facts, conversations and runs of all scopes with these names, and prove it by the file",
    },
    "format": {"choices": get_args(MemoryFormat), "help": "of the file; seen from it if left out"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    added = add_subcommands(parser, {name: command.summary for name, command in _COMMANDS.items()})
    for name, command in _COMMANDS.items():
        one = added[name]
        if command.words is not None:
            words, nargs = command.words
            one.add_argument(words, nargs=nargs, metavar=words.upper())
        for option in command.options.split():
            one.add_argument(*["-n"] * (option == "limit"), f"--{option.partition(':')[0]}", **_OPTIONS[option])
        whose = one.add_argument_group(command.whose)
        for scope_name in Scope.model_fields if command.whose else ():
            whose.add_argument(f"--{scope_name}", metavar="NAME")


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "forget" and arguments.everything:
        names = ("id", "key", *_FILTER.split())
        if others := [name for name in names if getattr(arguments, _OPTIONS[name].get("dest", name))]:
            raise argparse.ArgumentError(None, f"--everything takes no --{others[0]}: name only whose memory is to go")
        # Lazy: it takes sqlite3 and the journal with it, and no other command opens the file.
        from agentrouted.cli.memory.erasing import erase

        return erase(scope(arguments), dry_run=arguments.dry_run, as_json=arguments.json)
    return asyncio.run(_ask(arguments))


async def _ask(arguments: argparse.Namespace) -> int:
    async with daemon() as client:
        told, show = await _COMMANDS[arguments.what].ask(client, arguments)
    if arguments.json:
        print(json.dumps(told.to_wire()))
    else:
        show()
    return 0
