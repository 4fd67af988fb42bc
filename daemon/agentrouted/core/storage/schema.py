"""The tables of the database, version by version."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

# Text is JSON. A body is JSON as text, or compressed as a blob.
_RUNS: Final = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,
    agent TEXT,
    model TEXT,
    session_id TEXT,
    parent_run_id TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    ended_at REAL,
    last_seq INTEGER NOT NULL DEFAULT 0,
    -- Of its events, its params and its result, once it has ended.
    bytes INTEGER NOT NULL DEFAULT 0,
    usage TEXT NOT NULL DEFAULT '{}',
    params TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '{}',
    result TEXT,
    error TEXT
);
CREATE INDEX runs_running ON runs (owner) WHERE status = 'running';
CREATE INDEX runs_session ON runs (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX runs_ended ON runs (ended_at, bytes) WHERE ended_at IS NOT NULL;

-- Messages and what else is the same in many runs, once each.
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    -- Of the text, not of the body: the same for the same hash.
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    -- With the bytes in it, their sum is found without reading the bodies.
    UNIQUE (hash, bytes)
);

CREATE TABLE run_messages (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    -- From 0 the transcript; below 0 the large parts of the params.
    place INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    blob INTEGER NOT NULL REFERENCES blobs (id),
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE INDEX run_messages_blob ON run_messages (blob);

-- Each row holds the events from first_seq to last_seq, one a line.
CREATE TABLE run_events (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (run, first_seq)
) WITHOUT ROWID;

CREATE TABLE run_calls (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    PRIMARY KEY (run, call_id)
) WITHOUT ROWID;
"""

# Times are seconds since 1970.
_MEMORY: Final = """
CREATE TABLE memory_scopes (
    id INTEGER PRIMARY KEY,
    -- What is not named is empty.
    workspace TEXT NOT NULL,
    user TEXT NOT NULL,
    agent TEXT NOT NULL,
    session TEXT NOT NULL,
    -- The numbers last given to its rows.
    facts INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    UNIQUE (workspace, user, agent, session)
);

CREATE TABLE memory_sessions (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    scope INTEGER NOT NULL REFERENCES memory_scopes (id),
    title TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
);
CREATE INDEX memory_sessions_updated ON memory_sessions (scope, updated_at, id);

-- Facts, and messages of sessions.
CREATE TABLE memories (
    -- The scope, and whether it is a message, is in its upper half.
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    scope INTEGER NOT NULL REFERENCES memory_scopes (id),
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    -- As it is indexed, where that is not the text itself.
    words TEXT,
    -- Words that stand for it, too: key and tags of a fact; name, day and the messages before of a message.
    around TEXT NOT NULL,
    created_at REAL NOT NULL,
    run_id TEXT,
    -- Of facts.
    key TEXT,
    digest BLOB,
    tags TEXT,
    sources TEXT,
    version INTEGER,
    valid_from REAL,
    valid_to REAL,
    expires_at REAL,
    updated_at REAL,
    -- Of messages; the body is JSON without the text.
    session INTEGER REFERENCES memory_sessions (id),
    body TEXT
);
CREATE UNIQUE INDEX memories_key ON memories (scope, key) WHERE key IS NOT NULL;
CREATE INDEX memories_digest ON memories (scope, digest) WHERE digest IS NOT NULL;
CREATE INDEX memories_session ON memories (session, id) WHERE session IS NOT NULL;
CREATE INDEX memories_run ON memories (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX memories_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL;

CREATE VIEW memory_texts AS SELECT id, COALESCE(words, text) AS text, around FROM memories;
CREATE VIRTUAL TABLE memory_index USING fts5 (
    text, around, content = 'memory_texts', content_rowid = 'id', tokenize = 'porter unicode61'
);
CREATE TRIGGER memories_added AFTER INSERT ON memories WHEN new.text != '' BEGIN
    INSERT INTO memory_index (rowid, text, around) VALUES (new.id, COALESCE(new.words, new.text), new.around);
END;
CREATE TRIGGER memories_removed AFTER DELETE ON memories WHEN old.text != '' BEGIN
    INSERT INTO memory_index (memory_index, rowid, text, around)
    VALUES ('delete', old.id, COALESCE(old.words, old.text), old.around);
END;
"""

# What endpoints were found to do, one row a finding.
_PROFILES: Final = """
CREATE TABLE endpoint_findings (
    base_url TEXT NOT NULL,
    wire TEXT NOT NULL,
    model_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- JSON.
    value TEXT NOT NULL,
    evidence TEXT NOT NULL,
    source TEXT NOT NULL,
    learned_at REAL NOT NULL,
    provider TEXT NOT NULL,
    PRIMARY KEY (base_url, wire, model_id, name)
) WITHOUT ROWID;
"""

# Times are seconds since 1970, of the call's begin. What is not known of a key is empty.
_USAGE: Final = """
CREATE TABLE usage_keys (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    client TEXT NOT NULL,
    workspace TEXT NOT NULL,
    agent TEXT NOT NULL,
    kind TEXT NOT NULL,
    UNIQUE (provider, model, client, workspace, agent, kind)
);

-- Model calls that have ended.
CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    keys INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    -- The run at the top of the tree that this one is in; its own id, if it is that.
    tree TEXT NOT NULL,
    session TEXT NOT NULL,
    process INTEGER,
    asked TEXT NOT NULL,
    served TEXT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_usd REAL,
    cost_source TEXT NOT NULL,
    estimated INTEGER NOT NULL,
    latency REAL,
    first_token REAL,
    -- `ok`, `cancelled`, `interrupted` by the end of the process, or the kind of error.
    status TEXT NOT NULL,
    -- `local`, `remote`, or `crossed`: from a local endpoint to one elsewhere.
    boundary TEXT NOT NULL
);
CREATE INDEX calls_at ON calls (at);
CREATE INDEX calls_run ON calls (run_id);
CREATE INDEX calls_tree ON calls (tree);
CREATE INDEX calls_session ON calls (session) WHERE session != '';

-- Sums of them, at the levels that `core.usage.periods` names. The session is empty in all but one.
CREATE TABLE usage_sums (
    level INTEGER NOT NULL,
    start INTEGER NOT NULL,
    session TEXT NOT NULL,
    keys INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_usd REAL NOT NULL,
    unpriced INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    local INTEGER NOT NULL,
    crossed INTEGER NOT NULL,
    PRIMARY KEY (level, start, session, keys)
) WITHOUT ROWID;

-- Model calls that are under way, and what is set aside for them.
CREATE TABLE open_calls (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    at REAL NOT NULL,
    keys INTEGER NOT NULL,
    tree TEXT NOT NULL,
    usd REAL NOT NULL,
    tokens INTEGER NOT NULL,
    -- JSON: its row in `calls` if nothing more is heard of it.
    row TEXT NOT NULL
) WITHOUT ROWID;

-- Who was told that a budget is nearly used up, or is.
CREATE TABLE budget_marks (
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    amount REAL NOT NULL,
    window TEXT NOT NULL,
    percent INTEGER NOT NULL,
    PRIMARY KEY (name, unit, amount, window, percent)
) WITHOUT ROWID;
"""

# A trigger that writes to an FTS5 table makes it write a segment of its own for each row: those who add rows do it.
_INDEXED_BY_HAND: Final = """
DROP TRIGGER memories_added;
"""

# What texts mean, as numbers.
_VECTORS: Final = """
-- Of these the newest is in force: vectors of one model compare with each other only.
CREATE TABLE memory_spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- Known with the first vector; until then, there may be some of the space before.
    dimensions INTEGER,
    -- Who fills it now: one at a time.
    filler TEXT
);

CREATE TABLE memory_vectors (
    -- In the order in which they came, also after some have gone.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    memory INTEGER NOT NULL UNIQUE REFERENCES memories (id) ON DELETE CASCADE,
    -- float32, little-endian, of length 1. Empty where the model takes no such text.
    vector BLOB NOT NULL
);
"""

# Sums are brought up to date many calls at a time, and there are some by one key only: the name.
_SUMS_IN_BATCHES: Final = """
ALTER TABLE usage_sums RENAME COLUMN session TO name;

-- One row: up to which call the sums go. Its row in `calls` is never removed, so that no later one has its number.
CREATE TABLE usage_summed (
    last_call INTEGER NOT NULL
);
INSERT INTO usage_summed SELECT COALESCE(MAX(id), 0) FROM calls;

DROP INDEX calls_tree;
CREATE INDEX calls_tree ON calls (tree) WHERE tree != run_id;
""" + "".join(
    f"""
INSERT INTO usage_sums
    SELECT {level}, start, {key}, 0, SUM(calls), SUM(input_tokens), SUM(output_tokens), SUM(cached_tokens),
        SUM(reasoning_tokens), SUM(cost_usd), SUM(unpriced), SUM(estimated), SUM(errors), SUM(cancelled), SUM(local),
        SUM(crossed)
    FROM usage_sums JOIN usage_keys ON usage_keys.id = keys WHERE level = {of} GROUP BY start, {key};
"""
    for level, of, key in (
        *(
            (level, 1, key)
            for level, key in enumerate(("provider", "model", "client", "workspace", "agent", "kind"), 4)
        ),
        (10, 2, "name"),
    )
)

# What was said within a boundary is sent nowhere beyond it later on.
_BOUNDARIES: Final = """
-- That in force when it was written; NULL where there was none, or none is known.
ALTER TABLE memories ADD COLUMN boundary TEXT;
CREATE INDEX memories_boundary ON memories (boundary, id) WHERE boundary IS NOT NULL;
"""

_KEYS: Final = ("provider", "model", "client", "workspace", "agent", "kind", "session")


def _by_few(level: int, names: Sequence[str], start: str) -> str:
    """Sums by these keys: the row of `usage_keys` has nothing in the others."""
    values = ", ".join(f"k.{key}" if key in names else "''" for key in _KEYS[:-1])
    same = " AND ".join(f"p.{key} = " + (f"k.{key}" if key in names else "''") for key in _KEYS[:-1])
    by_session = "session" in names
    return f"""
INSERT OR IGNORE INTO usage_keys (provider, model, client, workspace, agent, kind)
    SELECT {values} FROM usage_keys k;
INSERT INTO usage_sums
    SELECT {level}, {start}, {"session" if by_session else "''"}, p.id, SUM(calls), SUM(input_tokens),
        SUM(output_tokens), SUM(cached_tokens), SUM(reasoning_tokens), SUM(cost_usd), SUM(unpriced), SUM(estimated),
        SUM(errors), SUM(cancelled), SUM(local), SUM(crossed)
    FROM usage_sums JOIN usage_keys k ON k.id = keys JOIN usage_keys p ON {same}
    WHERE level = {2 if by_session else 1} GROUP BY 2, 3, p.id;
"""


# By two keys, too; and a key is never a name, but always a row of `usage_keys`.
_SUMS_BY_TWO: Final = """
DELETE FROM usage_sums WHERE level >= 4;
ALTER TABLE usage_sums RENAME COLUMN name TO session;
""" + "".join(
    (
        *(
            _by_few(level, names, "0" if "session" in names else "start")
            for level, names in enumerate((*combinations(_KEYS, 1), *combinations(_KEYS, 2)), 4)
            if "session" not in names or names in (("session",), ("model", "session"))
        ),
        _by_few(32, ("session",), "start"),
    )
)

# What has no text is not in the index: a check that compares the two must not look for it there.
_ONLY_TEXTS: Final = """
DROP VIEW memory_texts;
CREATE VIEW memory_texts AS SELECT id, COALESCE(words, text) AS text, around FROM memories WHERE text != '';
"""

# Each transaction adds a part to the index, and a search begins in every part. FTS5 lets 16 of a size come together.
_FEWER_PARTS: Final = """
INSERT INTO memory_index (memory_index, rank) VALUES ('crisismerge', 5);
"""

# Two of a size are merged as soon as somebody has time for it, not four.
_MERGED_EARLIER: Final = """
INSERT INTO memory_index (memory_index, rank) VALUES ('usermerge', 2);
"""

# One row a version, never changed once it has been released: what is new goes below.
SCRIPTS: Final = (
    _RUNS,
    _MEMORY,
    _PROFILES,
    _USAGE,
    _INDEXED_BY_HAND,
    _VECTORS,
    _SUMS_IN_BATCHES,
    _BOUNDARIES,
    _SUMS_BY_TWO,
    _ONLY_TEXTS,
    _FEWER_PARTS,
    _MERGED_EARLIER,
)
