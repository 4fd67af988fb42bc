"""Memories of other programs, taken in."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness.memories import HERE, found, get, hits, listed, take_in
from harness.peer import clean_environment
from harness.process import running

from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.store import Store
from agentrouted_protocol.memory import MemoryImportParams, MemorySessionsParams
from agentrouted_protocol.scope import Scope

ADA = Scope(user="ada")
GRAPH = """\
{"type":"entity","name":"Ada","entityType":"person","observations":["likes tea","lives in Lisbon"]}
{"type":"relation","from":"Ada","to":"Acme","relationType":"works at"}
{"type":"entity","name":"Acme","entityType":"company","observations":[]}
"""
MEM0 = {
    "results": [
        {
            "id": "1",
            "memory": "Likes tea",
            "user_id": "ada",
            "categories": ["food"],
            "metadata": {"type": "preference"},
            "created_at": "2024-07-01T08:00:00-07:00",
            "expiration_date": "2999-01-01",
        },
        {"id": "2", "memory": "Works at Acme", "user_id": "ada", "metadata": None, "expiration_date": None},
    ]
}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"where": "here"}'}}


async def test_the_graph_of_the_mcp_memory_server_is_taken_in_once(store: Store) -> None:
    assert (await take_in(store, GRAPH)).entries == 4
    assert (await take_in(store, GRAPH, format="mcp-memory")).entries == 0
    assert await found(store, "Where does Ada work?") == ["Ada works at Acme", "Ada: lives in Lisbon", "Ada: likes tea"]
    assert await found(store, "company") == ["Acme: company"]


async def test_it_goes_to_the_scope_that_is_named(store: Store) -> None:
    await take_in(store, GRAPH, scope=HERE)
    assert await found(store, "tea", scope=HERE) == ["Ada: likes tea"] and await found(store, "tea") == []


async def test_a_line_that_cannot_be_taken_in_is_told_by_its_number(store: Store) -> None:
    lines = [*GRAPH.splitlines(), "{", '{"type":"entity","name":"x"}', '{"type":"other"}']
    problems = (await take_in(store, "\n".join(lines))).problems
    assert [problem.partition(":")[0] for problem in problems] == ["line 4", "line 5", "line 6"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("document", [MEM0, MEM0["results"]])
async def test_an_export_of_mem0_is_taken_in(store: Store, indent: int | None, document: Any) -> None:
    result = await take_in(store, json.dumps(document, indent=indent))
    assert (result.entries, result.problems) == (2, [])
    [hit] = await hits(store, "tea", scope=ADA)
    assert (hit.text, hit.tags, hit.created_at) == ("Likes tea", ["food", "type:preference"], "2024-07-01T15:00:00Z")
    assert (await store.get(get(id=hit.id, scope=ADA))).expires_at == "2999-01-01T00:00:00Z"
    assert (await take_in(store, json.dumps(document))).entries == 0


async def test_mem0_a_line_each_is_taken_in(store: Store) -> None:
    lines = [*map(json.dumps, [*MEM0["results"], {"id": "3"}])]
    result = await take_in(store, "\n".join(lines))
    assert result.entries == 2 and [problem.partition(":")[0] for problem in result.problems] == ["line 3"]
    result = await take_in(store, "\n".join(["no JSON", *lines]), format="mem0", scope=HERE)
    assert [problem.partition(":")[0] for problem in result.problems] == ["line 1", "line 4"]


IN_A_PROCESS_OF_ITS_OWN = """
import asyncio, resource, sys
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryImportParams

async def main():
    store = Store(await Database.in_memory())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = await store.import_(MemoryImportParams(path=sys.argv[1]))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(result.entries, len(result.problems), grown // (1 if sys.platform == "darwin" else 1024) // 1024)
    await store.aclose()

asyncio.run(main())
"""


async def test_a_long_document_of_mem0_is_read_bit_by_bit(tmp_path: Path) -> None:
    path, more = tmp_path / "mem0.json", "x" * 500_000
    with path.open("w") as file:
        file.write('{"total": 200, "results": [')
        for number in range(200):
            file.write(f"{',' * bool(number)} {json.dumps({'memory': f'fact {number}', 'more': more})}")
        file.write("]}")
    command = (sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(path))
    async with running(*command, environment=clean_environment(tmp_path)) as process:
        out, _ = await process.communicate()
    entries, problems, megabytes = map(int, out.split())
    assert (entries, problems) == (200, 0) and megabytes < path.stat().st_size / 1e6 / 2


@pytest.mark.parametrize(
    ("text", "entries", "problems"),
    [
        ('[{"memory": "a"}, {"memory": "b"', 1, ["what follows entry 1"]),
        ('{"results": [{"memory": "a"}, {"other": 1}, 5], "relations": null}', 1, ["entry 2", "entry 3"]),
        ('{"results": [{"memory": "a"}] 5', 1, ["what follows entry 1"]),
        ('{"memory":\n"a"}\n{"memory": "b"}', 2, []),
        ('[{"memory": "a"}]\n[{"memory": "b"},]', 2, ["what follows entry 2"]),
        ("[" * 100_000, 0, ["what follows entry 0"]),
        ('{5: "a"}', 0, ["what follows entry 0"]),
        ("[]", 0, []),
        ("\ufeff[]", 0, []),
    ],
)
async def test_what_is_whole_of_a_document_of_mem0_is_taken_in(
    store: Store, text: str, entries: int, problems: list[str]
) -> None:
    result = await take_in(store, text, format="mem0")
    assert result.entries == entries and [problem.partition(":")[0] for problem in result.problems] == problems


async def test_the_metadata_of_mem0_becomes_tags(store: Store) -> None:
    metadata = {"source": "chat", "stars": 5, "topics": ["tea", "food"], "where": {"city": "Zürich"}}
    record = {"memory": "Likes tea", "user_id": "ada", "categories": ["drink"], "metadata": metadata}
    await take_in(store, json.dumps([record]))
    [hit] = await hits(store, "tea", scope=ADA, tags=["source:chat"])
    assert hit.tags == ["drink", "source:chat", "stars:5", "topics:tea", "topics:food", 'where:{"city": "Zürich"}']


async def test_the_relations_of_mem0_are_facts_too(store: Store) -> None:
    relation = {"source": "ada", "relationship": "works_at", "target": "acme", "user_id": "ada"}
    await take_in(store, json.dumps({"results": [], "relations": [relation]}))
    assert await listed(store, scope=ADA) == ["ada works_at acme"]


def memory_sqlite(path: Path) -> None:
    """As AgentRoute's `MemorySQLite` makes it."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, content TEXT,"
            " tool_calls TEXT, tool_call_id TEXT, name TEXT)"
        )
        file.execute("CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        file.execute("INSERT INTO facts VALUES ('colour', 'blue')")
        rows = [
            ("user", "What is it?", None, None),
            ("assistant", None, json.dumps([CALL]), None),
            ("tool", "a cat", None, "c"),
            ("assistant", "A cat.", None, None),
        ]
        file.executemany("INSERT INTO messages (role, content, tool_calls, tool_call_id) VALUES (?, ?, ?, ?)", rows)


@pytest.mark.parametrize("format_", [None, "memory-sqlite"])
async def test_a_file_of_memory_sqlite_is_taken_in_once(store: Store, tmp_path: Path, format_: Any) -> None:
    path = tmp_path / "weather.db"
    memory_sqlite(path)
    params = MemoryImportParams(path=str(path), format=format_, scope=HERE)
    result = await store.import_(params)
    assert (result.entries, result.messages, result.problems) == (1, 4, [])
    assert (await store.get(get(key="colour", scope=HERE))).text == "blue"
    messages = await store.get_messages("weather")
    assert [message.content for message in messages] == ["What is it?", "", "a cat", "A cat."]
    [call] = messages[1].tool_calls or []
    assert (call.id, call.name, call.arguments) == ("c", "look", {"where": "here"})
    assert messages[2].tool_call_id == "c"
    [session] = (await store.sessions(MemorySessionsParams(scope=HERE))).sessions
    assert session.session_id == "weather"
    again = await store.import_(params)
    assert (again.entries, again.messages) == (0, 0)


async def test_what_is_odd_in_a_file_of_memory_sqlite_is_told_and_the_rest_taken_in(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "odd.db"
    memory_sqlite(path)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO facts (key, value) VALUES (x'ff', x'64c3a9')")
        file.execute("INSERT INTO messages (role, content, tool_calls) VALUES ('assistant', x'ff00', '[1]')")
    result = await store.import_(MemoryImportParams(path=str(path)))
    assert (result.entries, result.messages) == (2, 4) and len(result.problems) == 1
    assert sorted(await listed(store)) == ["blue", "dé"]


async def test_a_database_of_others_is_told(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as file, file:
        file.execute("CREATE TABLE pets (name TEXT)")
    with pytest.raises(InvalidParams, match="no table `facts`"):
        await store.import_(MemoryImportParams(path=str(tmp_path / "other.db")))
    with pytest.raises(InvalidParams):
        await take_in(store, "x", format="memory-sqlite")
