"""Secrets in what is to be remembered."""

import json
import logging

import pytest
from harness.memories import found, get, remember, says

from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.store import Store
from agentrouted.core.secrets import secrets_in
from agentrouted_protocol.memory import MemoryExportParams, MemoryImportParams
from agentrouted_protocol.messages import ToolCall
from agentrouted_protocol.scope import Scope

LETTERS = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SECRETS = {
    "private key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{LETTERS}\n-----END OPENSSH PRIVATE KEY-----",
    "AWS key": "AKIA" + "ABCDEFGH12345678",
    "GitHub token": "ghp_" + LETTERS,
    "GitLab token": "glpat-" + LETTERS,
    "Slack token": "xoxb-" + LETTERS,
    "Google API key": "AIza" + LETTERS,
    "Hugging Face token": "hf_" + LETTERS,
    "API key": "sk-proj-" + LETTERS,
    "signed token": f"eyJ{LETTERS}.eyJ{LETTERS}.{LETTERS}",
    "bearer token": f"Authorization: Bearer {LETTERS}",
    "password": "postgres://ada:" + "hunter2secret@db.example",
}


@pytest.mark.parametrize("kind", SECRETS)
async def test_a_secret_is_left_out_of_a_fact_and_that_is_said(store: Store, kind: str) -> None:
    secret = SECRETS[kind]
    told = await remember(store, f"deploys with {secret} every day", key=secret, tags=[secret])
    assert told.redacted == [kind]
    entry = await store.get(get(id=told.id))
    assert LETTERS not in entry.to_wire().__repr__() and "hunter2" not in entry.text
    assert entry.text.startswith("deploys with ") and entry.text.endswith(" every day")
    assert f"[{kind}]" in entry.text and await found(store, LETTERS) == []


@pytest.mark.parametrize(
    "text",
    [
        "Basic understanding of sk-learn pipelines",
        "the task-list of 2024-05-01 and risk-1234567890123456",
        "see https://example.com:8080/a@b and ghp_ in the docs",
        "uses an AKIA key, a PRIVATE KEY and hf_transfer",
        "file:///home/ada/main.py:12:30",
        "the bearer of good news in 2024, Bearer notwithstandinglyandfurthermore",
    ],
)
async def test_plain_words_are_no_secrets(store: Store, text: str) -> None:
    told = await remember(store, text)
    assert told.redacted == [] and (await store.get(get(id=told.id))).text == text


async def test_a_secret_is_kept_for_who_asks_for_it(store: Store) -> None:
    told = await remember(store, SECRETS["API key"], allow_secrets=True)
    assert told.redacted == [] and (await store.get(get(id=told.id))).text == SECRETS["API key"]


async def test_a_conversation_is_kept_as_it_was_and_its_secrets_are_told(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    added = await store.add_messages("s", [says("hello"), says(SECRETS["GitHub token"])])
    assert added.secrets == added.ids[1:]
    assert [message.content for message in await store.get_messages("s")][1] == SECRETS["GitHub token"]
    assert "session `s`" in caplog.text and LETTERS not in caplog.text


async def test_a_secret_that_a_tool_was_called_with_or_a_tag_of_an_import_holds_is_told(store: Store) -> None:
    secret = SECRETS["GitHub token"]
    call = ToolCall(id="1", name="push", arguments={"with": {"token": secret}})
    added = await store.add_messages("s", [says("", role="assistant", tool_calls=[call]), says("hello")])
    assert added.secrets == added.ids[:1]
    text = json.dumps([{"memory": "likes tea", "metadata": {"token": secret}}])
    for each in (text, (await store.export(MemoryExportParams())).text):
        problems = (await store.import_(MemoryImportParams(text=each))).problems
        assert "GitHub token" in problems[0] and secret not in str(problems)


@pytest.mark.parametrize("name", Scope.model_fields)
async def test_a_scope_is_not_named_by_a_secret(store: Store, name: str) -> None:
    scope = {name: SECRETS["GitHub token"]}
    with pytest.raises(InvalidParams, match=name) as refused:
        await remember(store, "likes tea", scope=scope)
    assert LETTERS not in str(refused.value)
    with pytest.raises(InvalidParams, match=name):
        await store.add_messages("s", [says("hello")], Scope(**scope))
    told = await remember(store, "likes tea", scope=scope, allow_secrets=True)
    assert (await store.get(get(id=told.id, scope=scope))).text == "likes tea"
    text = (await store.export(MemoryExportParams())).text
    assert "GitHub token" in (await store.import_(MemoryImportParams(text=text))).problems[0]


async def test_a_session_is_not_named_by_a_secret(store: Store) -> None:
    with pytest.raises(InvalidParams, match="sessionId"):
        await store.add_messages(SECRETS["signed token"], [says("hello")])
    line = {"type": "session", "sessionId": SECRETS["signed token"], "scope": {}, "createdAt": "2026-01-01T00:00:00Z"}
    text = json.dumps({**line, "updatedAt": line["createdAt"]})
    assert "signed token" in (await store.import_(MemoryImportParams(text=text))).problems[0]
    assert await store.get_messages(SECRETS["signed token"]) == []


@pytest.mark.parametrize(
    "piece", ["sk-", "eyJ-", "eyJaaaaaaaaaaa..", "xoxb-", "-----BEGIN PRIVATE KEY-----", "://a:", "gh"]
)
def test_a_megabyte_of_what_nearly_is_a_secret_is_looked_through(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert secrets_in(text) == (["private key"] if "PRIVATE" in piece else [])
