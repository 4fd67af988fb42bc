"""`agentrouted memory` and `agentrouted db`, beside a daemon or without one."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness.command import Outcome, agentrouted, serving
from harness.embeddings import openai
from harness.peer import initialized

from agentrouted.testing.upstream import Reply, Upstream


def database(home: Path) -> Path:
    return home / ".agentroute/data/agentrouted.db"


def holding(home: Path, word: str) -> list[str]:
    """The files that have it."""
    files = database(home).parent.glob("agentrouted.db*")
    return sorted(file.name for file in files if file.is_file() and word.encode() in file.read_bytes().lower())


async def told(home: Path, *arguments: str) -> dict[str, Any]:
    outcome = await agentrouted(home, *arguments, "--json")
    assert outcome.code == 0, outcome.err
    result: dict[str, Any] = json.loads(outcome.out)
    return result


async def test_what_is_remembered_is_recalled_listed_and_forgotten(tmp_path: Path) -> None:
    async with serving(tmp_path):
        await agentrouted(
            tmp_path, "memory", "remember", "favorite", "color is blue", "--key", "color", "--user", "ada"
        )
        recalled = await agentrouted(tmp_path, "memory", "recall", "What is my favourite colour?", "--user", "ada")
        assert recalled.code == 0 and "favorite color is blue" in recalled.out
        elsewhere = await agentrouted(tmp_path, "memory", "recall", "colour")
        assert (elsewhere.code, elsewhere.out) == (0, "") and "--user" in elsewhere.err
        assert "color" in (await agentrouted(tmp_path, "memory", "list", "--user", "ada")).out
        dry = await agentrouted(tmp_path, "memory", "forget", "--key", "color", "--user", "ada", "--dry-run")
        assert dry.out == "would be forgotten: 1\n"
        assert await told(tmp_path, "memory", "forget", "--key", "color", "--user", "ada") == {"forgotten": 1}


async def test_why_something_was_found_is_shown(tmp_path: Path) -> None:
    await agentrouted(tmp_path, "memory", "remember", "I like blue")
    async with serving(tmp_path):
        outcome = await agentrouted(tmp_path, "memory", "recall", "blue things", "--explain")
        assert "blue: in the text" in outcome.out and "in 1 entry" in outcome.out
        [hit] = (await told(tmp_path, "memory", "recall", "blue", "--explain"))["hits"]
        assert hit["explain"]["words"]["blue"]["found"] == "text"
        assert "explain" not in (await told(tmp_path, "memory", "recall", "blue"))["hits"][0]
    async with Upstream([openai]) as upstream:
        (tmp_path / ".agentroute/config.yaml").write_text(f"memory: {{vectors: {{model: '{upstream.url}/m'}}}}\n")
        await agentrouted(tmp_path, "memory", "vectors")
        outcome = await agentrouted(tmp_path, "memory", "recall", "hue", "--explain")
        assert "place 1 by meaning, similarity" in outcome.out


async def test_what_is_found_is_narrowed(tmp_path: Path) -> None:
    async with serving(tmp_path):
        await agentrouted(tmp_path, "memory", "remember", "blue note", "--kind", "note", "--tag", "a")
        await agentrouted(tmp_path, "memory", "remember", "blue fact", "--valid-from", "2998-01-01")
        await agentrouted(tmp_path, "memory", "remember", "blue preference", "--kind", "preference", "--key", "color")

        async def found(*options: str) -> list[str]:
            return [hit["text"] for hit in (await told(tmp_path, "memory", "recall", "blue", *options))["hits"]]

        assert await found("--kind", "note", "--kind", "fact") == ["blue note"]
        assert await found("--since", "1h", "--kind", "preference") == ["blue preference"]
        assert await found("--until", "1h") == await found("--said-in", "s") == await found("--kind", "message") == []
        page = await told(tmp_path, "memory", "list", "-n", "2")
        [last] = (await told(tmp_path, "memory", "list", "--cursor", str(page["nextCursor"])))["entries"]
        assert last["text"] == "blue note"
        entry = await told(tmp_path, "memory", "get", "--key", "color")
        assert (entry["text"], entry["kind"]) == ("blue preference", "preference")
        assert "blue preference" in (await agentrouted(tmp_path, "memory", "get", "--key", "color")).out
        assert await told(tmp_path, "memory", "forget", "--until", "1h") == {"forgotten": 0}
        assert await told(tmp_path, "memory", "forget", "--since", "1h") == {"forgotten": 3}


async def test_a_conversation_is_listed_read_and_cleared(tmp_path: Path) -> None:
    async with serving(tmp_path):
        said = [
            {"type": "message", "id": str(number), "sessionId": "s", "createdAt": f"2024-05-01T08:00:0{number}Z"}
            | {"message": {"role": "user", "content": f"hello {number}"}}
            for number in range(3)
        ]
        (tmp_path / "memory.jsonl").write_text("\n".join(map(json.dumps, said)))
        await agentrouted(tmp_path, "memory", "import", str(tmp_path / "memory.jsonl"))
        assert "s " in (await agentrouted(tmp_path, "memory", "sessions")).out
        outcome = await agentrouted(tmp_path, "memory", "messages", "s", "-n", "2")
        assert outcome.out == "user: hello 1\nuser: hello 2\n"
        assert (await agentrouted(tmp_path, "memory", "messages", "s", "--user", "ada")).code == 1
        assert (await agentrouted(tmp_path, "memory", "messages")).code == 2
        for command in ("messages", "clear"):
            missing = await agentrouted(tmp_path, "memory", command, "t", "--user", "ada")
            assert missing.code == 1 and "no messages of session `t` in the memory of user `ada`" in missing.err
        assert await told(tmp_path, "memory", "clear", "s") == {"cleared": 3}


async def test_vectors_are_waited_for_and_counted(tmp_path: Path) -> None:
    assert (await agentrouted(tmp_path, "memory", "vectors")).err.startswith("memory finds by words alone")
    await agentrouted(tmp_path, "memory", "remember", "I like blue")
    async with Upstream([openai]) as upstream:
        (tmp_path / ".agentroute/config.yaml").write_text(f"memory: {{vectors: {{model: '{upstream.url}/m'}}}}\n")
        outcome = await agentrouted(tmp_path, "memory", "vectors")
        assert outcome == Outcome(0, f"{upstream.url}/m: 1 done, 0 missing\n", "")
        assert (await agentrouted(tmp_path, "memory", "recall", "hue")).out.endswith("I like blue\n")


async def test_a_secret_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "memory", "remember", "key is ghp_" + "a1B2" * 9)
    assert "GitHub token" in outcome.out and holding(tmp_path, "ghp_") == []


async def test_forget_without_a_name_of_anything_or_with_too_many_is_an_error(tmp_path: Path) -> None:
    for options in ((), ("--everything",)):
        outcome = await agentrouted(tmp_path, "memory", "forget", *options)
        assert outcome.code == 1 and "hint:" in outcome.err
    outcome = await agentrouted(tmp_path, "memory", "forget", "--everything", "--user", "ada", "--kind", "note")
    assert outcome.code == 2 and "--kind" in outcome.err


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("list", "--since", "1h"), "--since"),
        (("list", "tea"), "tea"),
        (("export", "--limit", "5"), "--limit"),
        (("vectors", "--user", "ada"), "--user"),
    ],
)
async def test_what_would_have_no_effect_is_an_error(tmp_path: Path, words: Sequence[str], refused: str) -> None:
    outcome = await agentrouted(tmp_path, "memory", *words)
    assert outcome.code == 2 and f"unrecognized arguments: {refused}" in outcome.err


async def test_an_export_is_taken_in_elsewhere(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    await agentrouted(one, "memory", "remember", "likes tea")
    text = (await agentrouted(one, "memory", "export")).out
    file = tmp_path / "memory.jsonl"
    assert (await agentrouted(one, "memory", "export", str(file))).code == 0 and file.read_text() == text
    assert await told(two, "memory", "import", str(file)) == {"entries": 1, "messages": 0, "problems": []}
    assert (await agentrouted(two, "memory", "export")).out == text


async def test_everything_of_a_workspace_is_forgotten_and_the_file_is_clean(tmp_path: Path) -> None:
    async with serving(tmp_path):
        for scope in (("--workspace", "lusaka"), ("--workspace", "lusaka", "--user", "ada")):
            await agentrouted(tmp_path, "memory", "remember", "hides in Zanzibar", "--tag", "nairobi", *scope)
        await agentrouted(tmp_path, "memory", "remember", "likes tea", "--workspace", "dodoma")
        graph = {"type": "entity", "name": "mombasa", "entityType": "t", "observations": ["zanzibar"]}
        (tmp_path / "graph.jsonl").write_text(json.dumps(graph))
        await agentrouted(tmp_path, "memory", "import", str(tmp_path / "graph.jsonl"), "--workspace", "lusaka")
        assert holding(tmp_path, "zanzibar")
        forget = ("memory", "forget", "--everything", "--workspace", "lusaka")
        assert (await told(tmp_path, *forget, "--dry-run"))["facts"] == 3
        outcome = await agentrouted(tmp_path, *forget)
        assert outcome.code == 0 and "nothing is left" in outcome.out, outcome
        for word in ("lusaka", "nairobi", "mombasa", "hides"):
            assert holding(tmp_path, word) == []
        left = await agentrouted(tmp_path, "memory", "recall", "tea", "--workspace", "dodoma")
        assert "likes tea" in left.out


AGENT = "agents: {spy: {memory: {scope: {workspace: lusaka}, recall: auto}}}"


@pytest.mark.parametrize(
    "more",
    [
        {"sessionId": "kampala", "memory": {"scope": {"workspace": "lusaka"}}},
        {"memory": {"scope": {"workspace": "lusaka"}, "recall": "tool"}},
        {"agent": "spy"},
    ],
)
async def test_the_runs_of_what_is_forgotten_are_forgotten_too(tmp_path: Path, more: dict[str, object]) -> None:
    (tmp_path / ".agentroute").mkdir()
    (tmp_path / ".agentroute/config.yaml").write_text(AGENT)
    await agentrouted(tmp_path, "memory", "remember", "hides in Zanzibar", "--workspace", "lusaka")
    async with Upstream([Reply.text("In Zanzibar, of course.")]) as upstream, initialized(tmp_path) as peer:
        result = await peer.call("runAgent", {"model": f"{upstream.url}/m", "prompt": "Where is what hides?", **more})
        assert result["text"] == "In Zanzibar, of course."
    outcome = await told(tmp_path, "memory", "forget", "--everything", "--workspace", "lusaka")
    assert (outcome["runs"], outcome["left"]) == (1, 0)
    for word in ("zanzibar", "lusaka"):
        assert holding(tmp_path, word) == []


async def test_a_copy_that_has_what_is_forgotten_is_named(tmp_path: Path) -> None:
    await agentrouted(tmp_path, "memory", "remember", "hides in Zanzibar", "--workspace", "lusaka")
    copy = Path(str((await told(tmp_path, "db", "backup"))["copy"]))
    outcome = await agentrouted(tmp_path, "memory", "forget", "--everything", "--workspace", "lusaka")
    assert outcome.code == 1 and str(copy) in outcome.out
    assert holding(tmp_path, "zanzibar") == [copy.name]


async def test_a_database_is_checked_copied_and_packed_beside_its_daemon(tmp_path: Path) -> None:
    async with serving(tmp_path):
        for number in range(3):
            await agentrouted(tmp_path, "memory", "remember", f"fact {number} " + "word " * 20_000)
        assert (await told(tmp_path, "db", "check"))["problems"] == []
        copy = tmp_path / "copy.db"
        await told(tmp_path, "db", "backup", str(copy))
        with closing(sqlite3.connect(copy)) as file:
            assert file.execute("SELECT COUNT(*) FROM memories").fetchone() == (3,)
        assert (await agentrouted(tmp_path, "db", "backup", str(copy))).code == 1
        await agentrouted(tmp_path, "memory", "forget", "--kind", "fact")
        sizes = await told(tmp_path, "db", "vacuum")
        assert int(str(sizes["after"])) < int(str(sizes["before"]))
        await agentrouted(tmp_path, "memory", "remember", "goes on")
        assert "goes on" in (await agentrouted(tmp_path, "memory", "list")).out


async def test_what_an_older_version_has_indexed_by_fewer_words_is_indexed_anew(tmp_path: Path) -> None:
    await agentrouted(tmp_path, "memory", "remember", "see getUserById", "--key", "parseHeader")
    with closing(sqlite3.connect(database(tmp_path))) as file, file:
        file.execute("UPDATE memories SET words = NULL, around = key")
        file.execute("INSERT INTO memory_index (memory_index) VALUES ('rebuild')")
    assert "see" not in (await agentrouted(tmp_path, "memory", "recall", "header of user")).out
    assert [(await told(tmp_path, "db", "vacuum"))["indexed"] for _ in range(2)] == [1, 0]
    for question in ("by user", "a header"):
        assert "see getUserById" in (await agentrouted(tmp_path, "memory", "recall", question)).out
    assert (await told(tmp_path, "db", "check"))["problems"] == []


async def test_damage_is_found(tmp_path: Path) -> None:
    await agentrouted(tmp_path, "memory", "remember", "likes tea")
    with closing(sqlite3.connect(database(tmp_path))) as file, file:
        file.execute("UPDATE memories SET text = 'likes coffee'")
    outcome = await agentrouted(tmp_path, "db", "check")
    assert outcome.code == 1 and "memory_index" in outcome.out


async def test_messages_without_a_text_are_no_damage(tmp_path: Path) -> None:
    call = {"role": "assistant", "content": "", "toolCalls": [{"id": "c", "name": "look"}]}
    async with initialized(tmp_path) as peer:
        await peer.call("memory/addMessages", {"sessionId": "s", "messages": [{"role": "user", "content": "Hi"}, call]})
    assert (await told(tmp_path, "db", "check"))["problems"] == []


async def test_a_newer_database_is_refused_and_nothing_seems_to_be_kept(tmp_path: Path) -> None:
    await agentrouted(tmp_path, "memory", "remember", "likes tea")
    with closing(sqlite3.connect(database(tmp_path))) as file:
        file.execute("PRAGMA user_version = 1000")
    outcome = await agentrouted(tmp_path, "memory", "remember", "likes coffee")
    assert outcome.code == 1 and "version 1000" in outcome.err and not outcome.out


async def test_where_nothing_was_kept_there_is_no_database(tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "db", "check")
    assert outcome.code == 1 and "hint:" in outcome.err and not database(tmp_path).exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("recall", "whose memory it is: what is not named is not seen"),
        ("messages", "whose conversation it is; needs not be named"),
        ("export", "whose memory alone; that of all, if none is named"),
        ("import", "whose memory it becomes where the file names none"),
    ],
)
async def test_the_help_says_what_is_seen_if_no_scope_is_named(command: str, said: str, tmp_path: Path) -> None:
    outcome = await agentrouted(tmp_path, "memory", command, "--help")
    assert outcome.code == 0 and said in outcome.out
