"""Memory out as lines of JSON, and in again."""

import asyncio
import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from harness.memories import HERE, THERE, found, get, hits, remember, says, take_in

from agentrouted.core.endpoint import Boundary
from agentrouted.core.errors import InvalidParams, Storage
from agentrouted.core.memory.store import Store
from agentrouted.core.memory.transfer.lines import parsed, to_text
from agentrouted.core.memory.transfer.lines_out import Place, next_lines
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import (
    MemoryExportParams,
    MemoryImportParams,
    MemoryListParams,
    MemoryRememberParams,
    MemorySessionsParams,
    Source,
)
from agentrouted_protocol.messages import Message, TextPart, ToolCall
from agentrouted_protocol.scope import Scope


async def fill(store: Store) -> None:
    await remember(store, "Likes tea")
    await remember(store, "Blue", key="color", scope=HERE, tags=["taste"], expires_at="2999-01-01T00:00:00.5Z")
    await remember(store, "Green", key="color", scope=HERE)
    await remember(store, "Grass is green", scope=HERE)
    await remember(store, "line\u2028separator \x85 and 茶\r\n", kind="note", valid_from="2020-01-01T00:00:00.123456Z")
    await store.remember(MemoryRememberParams(text="likes TEA"), Source(client="two"))
    call = ToolCall(id="c", name="t", arguments={"x": None, "half": "\ud83d"})
    await store.add_messages("s", [says("What now?", created_at="2023-05-08T13:56:00Z")], THERE)
    await store.add_messages("t", [says("Another")])
    await store.add_messages("s", [Message(role="assistant", tool_calls=[call])], run_id="r")
    await store.add_messages("s", [Message(role="tool", tool_call_id="c", content="done")])


async def text_of(store: Store, **more: Any) -> str:
    return (await store.export(MemoryExportParams(**more))).text or ""


async def test_what_is_exported_comes_back_byte_for_byte(store: Store) -> None:
    await fill(store)
    exported = await text_of(store)
    other = Store(await Database.in_memory())
    result = await take_in(other, exported)
    assert (result.entries, result.messages, result.problems) == (4, 4, [])
    assert await text_of(other) == exported
    assert await other.get_messages("s") == await store.get_messages("s")
    assert await found(other, "tea") == ["Likes tea"] and len(await hits(other, "what", scope=THERE)) >= 1
    sessions = MemorySessionsParams(scope=THERE)
    assert await other.sessions(sessions) == await store.sessions(sessions)
    await other.aclose()


async def test_a_line_is_written_in_the_order_of_the_contract(store: Store) -> None:
    await fill(store)
    await store.add_messages("u", [Message(role="user", content=[TextPart(text="Look!")], name="ada")])
    texts = (await text_of(store)).split("\n")[1:-1]
    lines = [line for _, line, _ in parsed(("", text) for text in texts)]
    assert [None if line is None else to_text(line.to_wire()) for line in lines] == texts


async def test_importing_ones_own_export_changes_nothing(store: Store) -> None:
    await fill(store)
    exported = await text_of(store)
    result = await take_in(store, exported)
    assert (result.entries, result.messages, result.problems) == (0, 0, [])
    assert await text_of(store) == exported


async def test_one_scope_is_exported_alone(store: Store) -> None:
    await fill(store)
    result = await store.export(MemoryExportParams(scope=HERE))
    assert (result.entries, result.messages) == (2, 0) and "tea" not in (result.text or "")
    assert (await store.export(MemoryExportParams(scope=THERE))).messages == 3
    assert (await store.export(MemoryExportParams(scope=Scope(user="nobody")))).entries == 0


async def test_an_export_to_a_file_is_the_same_and_private(store: Store, tmp_path: Path) -> None:
    await fill(store)
    path = tmp_path / "memory.jsonl"
    path.write_text("an older one")
    result = await store.export(MemoryExportParams(path=str(path)))
    assert (result.path, result.text, result.entries, result.messages) == (str(path), None, 4, 4)
    assert path.read_bytes().decode() == await text_of(store)
    assert path.stat().st_mode & 0o077 == 0 and len(list(tmp_path.glob("memory*"))) == 1
    assert (await store.import_(MemoryImportParams(path=str(path)))).problems == []


async def test_two_exports_to_one_file_at_once_are_both_whole(store: Store, tmp_path: Path) -> None:
    for number in range(500):
        await remember(store, f"fact {number}")
    path = tmp_path / "memory.jsonl"
    params = MemoryExportParams(path=str(path))
    await asyncio.gather(store.export(params), store.export(params))
    assert path.read_text() == await text_of(store) and [*tmp_path.glob("memory*")] == [path]


async def test_many_rows_are_exported_in_order(store: Store) -> None:
    for number in range(1201):
        await remember(store, f"fact {number}")
    lines = (await text_of(store)).splitlines()[1:]
    assert [json.loads(line)["text"] for line in lines] == [f"fact {number}" for number in range(1201)]


async def test_the_newer_of_two_facts_stays(store: Store) -> None:
    told = await remember(store, "old", key="k")
    older = await text_of(store)
    await remember(store, "new", key="k")
    newer = await text_of(store)
    await take_in(store, older)
    assert (await store.get(get(key="k"))).text == "new"
    other = Store(await Database.in_memory())
    await take_in(other, older)
    await take_in(other, newer)
    entry = await other.get(get(key="k"))
    assert (entry.text, entry.version, entry.id) == ("new", 2, told.id)
    await other.aclose()


async def test_an_older_fact_that_says_the_same_does_not_say_when_it_goes(store: Store) -> None:
    await remember(store, "likes tea", expires_at="2999-01-01T00:00:00Z")
    older, other = await text_of(store), Store(await Database.in_memory())
    await remember(other, "likes tea", key="drink")
    await take_in(other, older)
    assert (await other.get(get(key="drink"))).expires_at is None
    await other.aclose()


@pytest.mark.parametrize("keys", [("drink", None), (None, "drink")])
async def test_a_fact_without_a_key_joins_the_one_that_says_the_same(store: Store, keys: Any) -> None:
    for key, tag in zip(keys, ("one", "other"), strict=True):
        each = Store(await Database.in_memory())
        await each.remember(MemoryRememberParams(text="Likes tea", key=key, tags=[tag]), Source(client=tag))
        text = await text_of(each)
        assert [(await take_in(store, text)).entries for _ in range(2)] == [1, 0]
        await each.aclose()
    [entry] = (await store.page(MemoryListParams())).entries
    assert (entry.key, entry.tags, [each.client for each in entry.sources]) == (
        "drink",
        ["one", "other"],
        ["one", "other"],
    )
    exported, other = await text_of(store), Store(await Database.in_memory())
    await take_in(other, exported)
    assert await text_of(other) == exported
    await other.aclose()


async def test_lines_that_cannot_be_read_are_told_and_the_others_taken(store: Store) -> None:
    await remember(store, "good")
    lines = (await text_of(store)).splitlines()
    other = Store(await Database.in_memory())
    result = await take_in(other, "\n".join(["{nonsense", '{"type": "fact"}', *lines, "[]", ""]))
    assert result.entries == 1 and [problem.partition(":")[0] for problem in result.problems] == [
        "line 1",
        "line 2",
        "line 5",
    ]
    await other.aclose()


@pytest.mark.parametrize("params", [{}, {"path": "/x", "text": "y"}, {"path": "relative"}, {"path": "/a\0b"}])
async def test_what_cannot_be_meant_is_refused(store: Store, params: dict[str, Any]) -> None:
    with pytest.raises(InvalidParams):
        await store.import_(MemoryImportParams(**params))


@pytest.mark.parametrize("format_", [None, "agentrouted", "memory-sqlite"])
async def test_a_file_that_cannot_be_read_is_told(store: Store, tmp_path: Path, format_: Any) -> None:
    (tmp_path / "words").write_text("no database")
    for path in (tmp_path / "nothing", tmp_path, *([tmp_path / "words"] if format_ == "memory-sqlite" else [])):
        with pytest.raises(Storage):
            await store.import_(MemoryImportParams(path=str(path), format=format_))


async def test_a_folder_that_is_not_there_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Storage):
        await store.export(MemoryExportParams(path=str(tmp_path / "no" / "folder")))


async def test_what_is_no_file_stays_what_it_is(store: Store, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    (around := tmp_path / "around").symlink_to(around)
    for path in (pipe, around, tmp_path, Path("/")):
        with pytest.raises(Storage):
            await store.export(MemoryExportParams(path=str(path)))
        with pytest.raises(Storage):
            await store.import_(MemoryImportParams(path=str(path)))
    assert pipe.is_fifo() and around.is_symlink()


async def test_an_export_goes_to_where_a_link_leads(store: Store, tmp_path: Path) -> None:
    (link := tmp_path / "link").symlink_to(tmp_path / "memory.jsonl")
    await store.export(MemoryExportParams(path=str(link)))
    assert link.is_symlink() and (tmp_path / "memory.jsonl").read_text() == await text_of(store)


@pytest.mark.parametrize("store", ["on disk"], indirect=True)
async def test_an_export_does_not_take_the_place_of_what_it_is_about(store: Store, tmp_path: Path) -> None:
    for name in ("memory.db", "memory.db-wal"):
        with pytest.raises(InvalidParams):
            await store.export(MemoryExportParams(path=str(tmp_path / "data" / name)))


async def test_a_path_below_a_file_is_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Storage):
        await store.export(MemoryExportParams(path=str(tmp_path / "file" / "export.jsonl")))


async def test_few_long_messages_are_read_at_once(store: Store) -> None:
    await store.add_messages("chat", [says("a" * 600_000) for _ in range(4)])
    lines, place = await store._database.read(partial(next_lines, place=Place(), only=None))
    assert [line["type"] for line in lines] == ["session", "message", "message"] and place is not None


async def test_a_secret_comes_back_as_it_was_and_is_told(store: Store) -> None:
    secret = "ghp_" + "a1B2" * 9
    await remember(store, secret, allow_secrets=True)
    exported = await text_of(store)
    other = Store(await Database.in_memory())
    result = await take_in(other, exported)
    assert result.entries == 1 and [problem.partition(":")[0] for problem in result.problems] == ["line 2"]
    assert secret not in result.problems[0] and await text_of(other) == exported
    await other.aclose()


async def test_how_far_it_is_is_reported(store: Store) -> None:
    for number in range(1100):
        await remember(store, f"fact {number}")
    done: list[int] = []
    exported = await store.export(MemoryExportParams(), done.append)
    assert done == [*range(100, 1200, 100)]
    await store.import_(MemoryImportParams(text=exported.text), done.append)
    assert done[-1] == 1100


async def test_a_line_with_a_wrong_value_is_told_and_the_others_taken(store: Store) -> None:
    await remember(store, "good")
    await store.add_messages("s", [says("hello")], HERE)
    lines = [json.loads(line) for line in (await text_of(store)).splitlines()]
    wrong = [lines[1] | {"createdAt": "noon"}, lines[1] | {"text": " "}, lines[2] | {"updatedAt": "late"}]
    other = Store(await Database.in_memory())
    result = await take_in(other, "\n".join(map(json.dumps, [*wrong, *lines])))
    assert (result.entries, result.messages) == (1, 1)
    assert [problem.partition(":")[0] for problem in result.problems] == ["line 1", "line 2", "line 3"]
    await other.aclose()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": ["hidden"]}, "`text`"),
        ({"scope": {"wrkspace": "hidden"}}, "`scope.wrkspace`"),
        ({"type": "hidden"}, "fact"),
    ],
)
async def test_a_line_that_does_not_fit_is_told_with_its_field_but_not_its_value(
    store: Store, wrong: dict[str, Any], field: str
) -> None:
    await remember(store, "good")
    line = json.loads((await text_of(store)).splitlines()[1])
    [problem] = (await take_in(store, json.dumps(line | wrong))).problems
    assert problem.startswith("line 1: ") and field in problem and "hidden" not in problem


async def test_nothing_comes_into_a_session_of_another_scope(store: Store) -> None:
    await store.add_messages("s", [says("theirs")], THERE)
    exported = await text_of(store)
    other = Store(await Database.in_memory())
    await other.add_messages("s", [says("ours")], HERE)
    result = await take_in(other, exported)
    assert result.messages == 0 and len(result.problems) == 1
    assert [message.content for message in await other.get_messages("s")] == ["ours"]
    await other.aclose()


async def test_what_has_the_id_of_a_fact_of_another_scope_does_not_take_its_place(store: Store) -> None:
    await remember(store, "theirs", scope=THERE)
    [line] = [json.loads(line) for line in (await text_of(store)).splitlines()[1:]]
    ours = {**line, "text": "ours", "scope": {}, "version": 9, "updatedAt": "2999-01-01T00:00:00Z"}
    result = await take_in(store, json.dumps(ours))
    assert result.entries == 0 and "another scope" in result.problems[0]
    assert await found(store, "theirs", scope=THERE) == ["theirs"] and await found(store, "ours") == []


async def test_a_version_too_large_to_be_kept_is_told_by_its_line(store: Store) -> None:
    await remember(store, "tea")
    line = json.loads((await text_of(store)).splitlines()[1])
    lines = [{**line, "id": "a", "text": "milk", "version": 2**63}, {**line, "id": "b", "text": "water"}]
    result = await take_in(store, "\n".join(map(json.dumps, lines)))
    assert result.entries == 1 and result.problems == ["line 1: its `version` is not from an export"]


async def test_the_boundary_goes_with_what_was_said_within_it(store: Store) -> None:
    await store.remember(MemoryRememberParams(text="likes tea"), boundary="local")
    await store.add_messages("s", [says("hello")], boundary="free")
    await remember(store, "likes milk")
    exported = await text_of(store)
    lines = [json.loads(line) for line in exported.splitlines()[1:]]
    assert [line.get("boundary") for line in lines] == ["local", None, None, "free"]
    other = Store(await Database.in_memory())
    await take_in(other, exported)
    assert await text_of(other) == exported
    await other.aclose()


async def test_the_stricter_boundary_of_what_is_there_and_what_comes_stays(store: Store) -> None:
    await store.remember(MemoryRememberParams(text="likes tea"), boundary="free")
    await store.remember(MemoryRememberParams(text="likes milk"), boundary="local")
    await store.add_messages("s", [says("hello")])
    exported = await text_of(store)
    rounds: list[tuple[Boundary | None, list[str]]] = [
        ("free", ["free", "local", "free"]),
        ("local", ["local"] * 3),
        (None, ["local"] * 3),
    ]
    for given, boundaries in rounds:
        result = await store.import_(MemoryImportParams(text=exported), boundary=given)
        assert (result.entries, result.messages) == (0, 0)
        lines = [json.loads(line) for line in (await text_of(store)).splitlines()[1:]]
        assert [line["boundary"] for line in lines if line["type"] != "session"] == boundaries


async def test_a_fact_with_the_id_of_a_message_changes_nothing(store: Store) -> None:
    [id_] = (await store.add_messages("s", [says("hello")])).ids
    await remember(store, "likes tea")
    fact = json.loads((await text_of(store)).splitlines()[1]) | {"id": id_, "text": "likes milk"}
    assert (await take_in(store, json.dumps(fact))).entries == 0
    assert [message.content for message in await store.get_messages("s")] == ["hello"]


async def test_an_id_is_given_once_in_a_file(store: Store) -> None:
    await remember(store, "likes tea")
    await store.add_messages("s", [says("hello"), says("bye")])
    _, fact, session, hello, bye = map(json.loads, (await text_of(store)).splitlines())
    mixed = [fact, hello | {"id": fact["id"]}, session, hello, hello, fact | {"id": bye["id"], "text": "x"}, bye]
    other = Store(await Database.in_memory())
    result = await take_in(other, "\n".join(map(json.dumps, mixed)))
    assert (result.entries, result.messages, result.problems) == (2, 1, [])
    assert [message.content for message in await other.get_messages("s")] == ["hello"]
    await other.aclose()


async def test_one_fact_twice_in_a_file_is_one(store: Store) -> None:
    await remember(store, "likes tea")
    await remember(store, "blue", key="color")
    lines = (await text_of(store)).splitlines()[1:]
    newer = json.loads(lines[1]) | {"text": "green", "version": 2, "updatedAt": "2999-01-01T00:00:00Z"}
    again = json.loads(lines[0]) | {"id": "another"}
    other = Store(await Database.in_memory())
    result = await take_in(other, "\n".join([*lines, *lines, json.dumps(newer), json.dumps(again)]))
    assert (result.entries, result.problems) == (3, [])
    assert (await other.get(get(key="color"))).text == "green" and await found(other, "tea") == ["likes tea"]
    await other.aclose()


async def test_a_line_without_end_is_told_and_the_others_taken(store: Store, tmp_path: Path) -> None:
    await remember(store, "good")
    header, line = (await text_of(store)).splitlines()
    path = tmp_path / "memory.jsonl"
    path.write_text("\n".join([header, "[" * 100_000, "x" * 70_000_000, line]))
    other = Store(await Database.in_memory())
    result = await other.import_(MemoryImportParams(path=str(path)))
    assert result.entries == 1 and [problem.split()[1].strip(":,") for problem in result.problems] == ["2", "3"]
    await other.aclose()
