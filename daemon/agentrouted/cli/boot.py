"""The entry point: opens a door at once, or runs a command."""

# Standard library only, and as little as can be: this is what an editor waits for.

import os
import sys
from pathlib import Path
from typing import NoReturn

_DOORS = ("serve", "connect")
_LONGEST_PROCESS_ID = 12
_WITH_VALUE = ("--pipe", "--socket", "--clientProcessId", "--config", "--listen")


def main() -> NoReturn:
    """`agentrouted`: without a command it is a daemon on stdin and stdout."""
    arguments = sys.argv[1:]
    if not _opens_door(arguments):
        from agentrouted.cli.main import main as run_command

        sys.exit(run_command(arguments))
    _open_missing_descriptors()
    code = _open_door(*_parse(arguments))
    # Not `sys.exit`: a thread that waits for a name server, or for an unread stderr, would hold it up.
    os._exit(code)


def _opens_door(arguments: list[str]) -> bool:
    if {"-h", "--help", "--version"} & set(arguments):
        return False
    return not arguments or arguments[0] in _DOORS or arguments[0].startswith("-")


def _parse(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Options by name; and what to say of others: a client of another version must still get its server."""
    options: dict[str, str] = {}
    warnings: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in _WITH_VALUE:
            options[name] = value if equals else next(rest, "")
        elif argument in (*_DOORS, "--stdio"):
            options[argument] = ""
        else:
            warnings.append(f"the unknown option {name} is ignored")
    process = options.get("--clientProcessId", "0")
    if not (process.isascii() and process.isdigit() and len(process) <= _LONGEST_PROCESS_ID):
        del options["--clientProcessId"]
        warnings.append("--clientProcessId is ignored: it takes the number of a process")
    return options, warnings


def _open_door(options: dict[str, str], warnings: list[str]) -> int:
    if options.get("--config") and options.keys() & {"serve", "connect"}:
        _warn_of_other_config(options)
    if "connect" in options:
        return _connect(options, warnings)
    from agentrouted.server.processes import is_alive

    parent = os.getppid()
    process = int(options.get("--clientProcessId", "0"))
    seen = frozenset({process} if is_alive(process) else ())
    read_fd, write_fd = _take_over_stdio()
    unread, initialize = b"", None
    if not options.keys() & {"serve", "--pipe", "--socket"}:
        from agentrouted.server.first_answer import answer_initialize

        unread, initialize, named = answer_initialize(read_fd, write_fd, _load)
        seen |= named
    from agentrouted.server.doors import Door, run

    return run(Door(options, read_fd, write_fd, parent, unread, initialize, seen), warnings)


def _load() -> None:
    import agentrouted.server.doors  # noqa: F401 - the import is the purpose


def _connect(options: dict[str, str], warnings: list[str]) -> int:
    from agentrouted.server.connect import bridge

    for warning in warnings:
        _say(f"agentrouted: {warning}")
    return bridge(_socket_path(options), options.get("--config"))


def _warn_of_other_config(options: dict[str, str]) -> None:
    """Who comes second takes part in the daemon of who came first."""
    from agentrouted.server.other_config import config_in_force

    asked, socket = Path(options["--config"]).expanduser().resolve(), _socket_path(options)
    in_force = config_in_force(socket)
    if in_force is not None and Path(in_force).resolve() != asked:
        _say(f"warning: the daemon at {socket} goes on with {in_force}, not {asked}: end it with `agentrouted stop`")


def _say(line: str) -> None:
    os.write(2, f"{line}\n".encode(errors="replace"))


def _socket_path(options: dict[str, str]) -> Path:
    from agentrouted_protocol.rendezvous import default_socket_path

    return Path(options["--listen"]).absolute() if options.get("--listen") else default_socket_path()


def _open_missing_descriptors() -> None:
    """Started with stdin, stdout or stderr closed, the next file that is opened would take its place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(descriptor)


def _take_over_stdio() -> tuple[int, int]:
    """Keep stdin and stdout for frames: whatever else prints, here, in C code or in a child, prints to stderr."""
    read_fd, write_fd = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return read_fd, write_fd
