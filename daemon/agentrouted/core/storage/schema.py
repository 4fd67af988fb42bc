"""The tables of the database, version by version."""

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

# One row a version, never changed once it has been released: what is new goes below.
SCRIPTS: Final = (_RUNS,)
