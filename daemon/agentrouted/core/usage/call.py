"""A model call, as the ledger knows it."""

import time
from dataclasses import dataclass, field
from typing import Final, Literal

from agentrouted_protocol.messages import Usage

Kind = Literal["turn", "summary", "probe", "retry", "embedding"]
Crossing = Literal["local", "remote", "crossed"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for a run: the client, the process at the other end of its connection, the folder it works in."""

    name: str = ""
    process: int | None = None
    workspace: str = ""
    folders: tuple[str, ...] = ()
    """All folders it works in: what holds in any of them, holds for it."""


NOBODY: Final = Caller()


@dataclass(frozen=True, slots=True)
class Call:
    """What is known when it begins. What is not known is empty."""

    run_id: str
    tree: str
    """The run at the top of those that began each other."""

    kind: Kind
    provider: str
    model: str
    asked: str
    """The model as it was asked for: a virtual one, a pattern, a URL."""

    crossing: Crossing
    """`crossed`: it left this machine, though its chain has begun here."""

    session: str = ""
    agent: str = ""
    caller: Caller = NOBODY
    at: float = field(default_factory=time.time)
    """Seconds since 1970. A call belongs to the hour, the day and the month in which it has begun."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    status: str
    """`ok`, `cancelled`, `interrupted` by the end of the process, or the kind of its error."""

    usage: Usage | None = None
    """None: nothing is to be paid."""

    latency: float | None = None
    """Seconds, as is `first_token`."""

    first_token: float | None = None
    served: str | None = None
    """The model that says it answered."""
