"""What `--help` says of the doors."""

from typing import Final

_DOOR: Final = """\
usage: agentrouted {name} [--listen PATH] [--config FILE]

{summary}

options:
  --listen PATH  the socket; if left out, the one that all your programs find:
                 $XDG_RUNTIME_DIR/agentrouted/v1.sock, or a private folder
  --config FILE  the config{whose}; if left out, $AGENTROUTE_CONFIG
                 or ~/.agentroute/config.yaml
  -h, --help     show this help

`agentrouted status` shows how the daemon is doing, `agentrouted stop` ends it.
example: agentrouted {example}
"""
HELP: Final = {
    "serve": _DOOR.format(
        name="serve",
        summary="Serve all your programs on a Unix socket, until it is stopped.",
        whose="",
        example="serve --config ~/work/agentroute.yaml",
    ),
    "connect": _DOOR.format(
        name="connect",
        summary="""\
Carry stdin and stdout to the daemon on that socket; start it if there is none.
This is what an editor runs as its language server to share one daemon with others.""",
        whose=" of a daemon that is started",
        example="connect",
    ),
}
