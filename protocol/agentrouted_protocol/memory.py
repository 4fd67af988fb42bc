"""`memory/*`: facts, and the turns of sessions."""

from typing import Annotated, Any, Literal

from pydantic import Field

from agentrouted_protocol.base import Params, WireModel
from agentrouted_protocol.messages import Message, Role
from agentrouted_protocol.scope import Scope

FactKind = Literal["fact", "preference", "note", "episode"]
MemoryFormat = Literal["agentrouted", "mcp-memory", "mem0", "memory-sqlite"]
HitKind = Literal["fact", "preference", "note", "episode", "message"]
_Limit = Annotated[int, Field(ge=1, le=1000)]
_TagsWanted = Annotated[list[str], Field(max_length=100)]


class Source(WireModel):
    """Where a fact came from."""

    run_id: str | None = None
    session_id: str | None = None
    message_id: str | None = None
    client: str | None = None


class MemoryRememberParams(Params):
    text: str
    key: str | None = None
    """The same key in the same scope is the same fact: it is replaced."""

    scope: Scope = Scope()
    kind: FactKind = "fact"
    """Where the same words are there already, `fact` leaves the kind that they have."""

    tags: list[str] = []
    """Words to filter by."""

    valid_from: str | None = None
    """Times are ISO 8601, UTC."""

    valid_to: str | None = None
    expires_at: str | None = None
    """After this it is forgotten."""

    allow_secrets: bool = False
    """Keep it as it is, also where it has what looks like an API key, a token, a password or a private key."""


class MemoryRememberResult(WireModel):
    id: str
    version: int
    """From 1; one more each time the fact is replaced."""

    merged: bool
    """True if the fact was there already."""

    redacted: list[str] = []
    """Kinds of secrets that it had, such as `API key`: they were left out, and stand there as `[API key]`."""


class MemoryRecallParams(Params):
    query: str
    """Plain words: nothing in it is an operator. Empty lists the newest. Of a long one, the first 24 and the last 24
    words that do not stand everywhere are looked for.
    """

    scope: Scope = Scope()
    limit: _Limit = 10
    kinds: list[HitKind] | None = None
    """All kinds, unless some are named."""

    tags: _TagsWanted | None = None
    """Only what has all of them."""

    since: str | None = None
    """Only what was said, or last written, at or after this time."""

    until: str | None = None
    """Only what was said, or last written, before it."""

    session_id: str | None = None
    """Only messages of this session."""

    explain: bool = False
    """Say in each hit how its score came about."""


class MemoryHit(WireModel):
    id: str
    kind: HitKind
    key: str | None = None
    """As it was remembered; a message has none."""

    text: str
    snippet: str
    """The words of `text` around the match."""

    score: float
    """Higher fits better; only good for comparing hits of one answer."""

    tags: list[str] = []
    scope: Scope
    source: Source
    role: Role | None = None
    """Who said it, if it is a message."""

    created_at: str
    explain: dict[str, Any] | None = None
    """If it was asked for: `words`, each with its part of the score, where it was found and how many entries have it;
    `wording`, what their sum was multiplied by for the order of words or for a text that is a question. Where memory
    finds by meaning, too: `ranks` and `similarity`, or in `vectors` why it did not.
    """


class MemoryRecallResult(WireModel):
    hits: list[MemoryHit]


class MemoryEntry(WireModel):
    id: str
    key: str | None = None
    text: str
    kind: FactKind
    tags: list[str] = []
    scope: Scope
    source: Source
    """Where it was said last."""

    sources: list[Source] = []
    """Everywhere it was said, the last one last."""

    version: int
    valid_from: str | None = None
    valid_to: str | None = None
    expires_at: str | None = None
    created_at: str
    updated_at: str


class MemoryGetParams(Params):
    """Exactly one of `id` and `key`."""

    id: str | None = None
    key: str | None = None
    scope: Scope = Scope()


class MemoryListParams(Params):
    scope: Scope = Scope()
    kinds: list[FactKind] | None = None
    tags: _TagsWanted | None = None
    limit: _Limit = 50
    cursor: str | None = None
    """`nextCursor` of the page before. What was written last comes first: what is written meanwhile is on no page that
    follows.
    """


class MemoryListResult(WireModel):
    entries: list[MemoryEntry]
    next_cursor: str | None = None
    """Where the next page begins; absent on the last one."""


class MemoryFilter(WireModel):
    kinds: list[HitKind] | None = None
    tags: _TagsWanted | None = None
    since: str | None = None
    """As `memory/recall` has it."""

    until: str | None = None


class MemoryForgetParams(Params):
    """Exactly one of `id`, `key` and `filter`; or a `scope` alone: then everything in it."""

    id: str | None = None
    key: str | None = None
    filter: MemoryFilter | None = None
    """What fits all that it names; an empty one fits everything."""

    scope: Scope | None = None
    """Left out, it is the one that names nothing."""
    dry_run: bool = False
    """Only count what would be forgotten."""


class MemoryForgetResult(WireModel):
    forgotten: int
    """How many."""


class SessionMessage(Message):
    """A message with its time."""

    created_at: str | None = None


class MemoryAddMessagesParams(Params):
    session_id: str
    messages: list[SessionMessage]
    scope: Scope = Scope()


class MemoryAddMessagesResult(WireModel):
    ids: list[str]
    """One for each message, in order."""

    secrets: list[str] = []
    """Of these, the messages that have what looks like a secret. They are kept as they are."""


class MemoryGetMessagesParams(Params):
    session_id: str
    limit: _Limit | None = None
    """So many of the newest, in order."""

    scope: Scope | None = None
    """The session's own if left out; any other is a conflict."""


class MemoryGetMessagesResult(WireModel):
    messages: list[SessionMessage]


class MemoryClearMessagesParams(Params):
    session_id: str
    scope: Scope | None = None
    """The session's own if left out; any other is a conflict."""


class MemoryClearMessagesResult(WireModel):
    cleared: int
    """How many messages there were."""


class MemorySessionsParams(Params):
    scope: Scope = Scope()
    limit: _Limit = 50
    cursor: str | None = None
    """`nextCursor` of the page before."""


class SessionSummary(WireModel):
    session_id: str
    title: str | None = None
    messages: int
    """How many there are."""

    created_at: str
    updated_at: str


class MemorySessionsResult(WireModel):
    sessions: list[SessionSummary]
    next_cursor: str | None = None
    """Where the next page begins; absent on the last one."""


class MemoryExportParams(Params):
    scope: Scope | None = None
    """Left out, everything is exported, whatever its scope."""

    path: str | None = None
    """Write the JSON Lines there, to an absolute path; without it they come in the result."""


class MemoryExportResult(WireModel):
    path: str | None = None
    """The file that was written."""

    text: str | None = None
    """The JSON Lines, where no path was given."""

    entries: int
    messages: int


class MemoryImportParams(Params):
    """Exactly one of `path` and `text`. What comes in is within the boundary of the client's folders, or a stricter one
    that it was exported with.
    """

    path: str | None = None
    text: str | None = None
    format: MemoryFormat | None = None
    """`agentrouted`: what `memory/export` has written. `mcp-memory`: the JSONL of the MCP memory server. `mem0`: its
    export. `memory-sqlite`: a file of AgentRoute's `MemorySQLite`, by `path` only. By default it is seen from the
    content."""

    scope: Scope = Scope()
    """Where memories go that name no scope themselves."""


class MemoryImportResult(WireModel):
    entries: int
    messages: int
    problems: list[str] = []
    """Lines that were left out, and why; and those that were kept although they have a secret. The first hundred."""


class MemoryVectorsParams(Params):
    wait: bool = False
    """Answer when nothing is missing any more, or when no more can be made; with a `workDoneToken`, progress is shown
    meanwhile."""


class MemoryVectorsResult(WireModel):
    model: str | None = None
    """As the config names it; absent where it names none, and memory finds by words alone."""

    done: int = 0
    """How many facts and messages have a vector."""

    missing: int = 0
    """How many have none yet, at most."""

    complete: bool = False
    """Whether nothing was missing when it was looked for last."""

    error: str | None = None
    """Why no more are made. It is tried again, ever less often."""
