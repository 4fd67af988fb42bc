"""The entry point: opens a door at once, or runs a command."""

# Standard library only, and as little as can be: this is what an editor waits for.

import os
import sys
from typing import NoReturn

_DOORS = ("serve", "connect")
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
    """Options by name; and the unknown ones: a client of another version must still get its server."""
    options: dict[str, str] = {}
    unknown: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in _WITH_VALUE:
            options[name] = value if equals else next(rest, "")
        elif argument in (*_DOORS, "--stdio"):
            options[argument] = ""
        else:
            unknown.append(name)
    return options, unknown


def _open_door(options: dict[str, str], unknown: list[str]) -> int:
    if "connect" in options:
        return _connect(options)
    parent = os.getppid()
    read_fd, write_fd = _take_over_stdio()
    unread, initialize = b"", None
    if not options.keys() & {"serve", "--pipe", "--socket"}:
        from agentrouted.server.first_answer import answer_initialize

        unread, initialize = answer_initialize(read_fd, write_fd, _load)
    from agentrouted.server.doors import Door, run

    return run(Door(options, read_fd, write_fd, parent, unread, initialize), unknown)


def _load() -> None:
    import agentrouted.server.doors  # noqa: F401 - the import is the purpose


def _connect(options: dict[str, str]) -> int:
    from pathlib import Path

    from agentrouted.server.connect import bridge
    from agentrouted_protocol.rendezvous import default_socket_path

    path = Path(options["--listen"]).absolute() if options.get("--listen") else default_socket_path()
    return bridge(path, options.get("--config"))


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
