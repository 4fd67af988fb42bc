"""Messages of sessions: exact, in order, cleared."""

import pytest
from harness.memories import HERE, THERE, forget, found, remember, says

from agentrouted.core.errors import Conflict, InvalidParams
from agentrouted.core.memory.store import Store
from agentrouted_protocol.memory import MemorySessionsParams, SessionMessage
from agentrouted_protocol.messages import ImagePart, Message, TextPart, ToolCall
from agentrouted_protocol.scope import Scope


def bare(messages: list[SessionMessage]) -> list[Message]:
    return [Message(**{name: value for name, value in message if name != "created_at"}) for message in messages]


async def test_messages_come_back_exactly_and_in_order(store: Store) -> None:
    call = ToolCall(
        id="c", name="t", arguments={"none": None, "deep": [{"1": 1.5}], "text": "né\x00\ud83d", "n": 2**60}
    )
    messages = [
        Message(role="system", content="Be brief."),
        Message(role="user", content=[TextPart(text="what is this?"), ImagePart(data="AAAA", mime_type="image/png")]),
        Message(role="assistant", content="", reasoning="hm", tool_calls=[call, call]),
        Message(role="tool", content="", tool_call_id="c", name="t"),
        Message(role="tool", content="half \ud83d of it", tool_call_id="c", name="t"),
        Message(role="assistant", content="  A cat.\n"),
    ]
    ids = (await store.add_messages("s", messages)).ids
    assert len(set(ids)) == 6
    assert bare(await store.get_messages("s")) == messages


async def test_the_newest_come_in_order(store: Store) -> None:
    await store.add_messages("s", [says(str(number)) for number in range(3)])
    await store.add_messages("s", [says(str(number)) for number in range(3, 6)])
    assert [message.content for message in await store.get_messages("s", 2)] == ["4", "5"]
    assert [message.content for message in await store.get_messages("s", 100)] == list("012345")
    assert await store.get_messages("unknown") == []


async def test_a_message_has_the_time_that_was_given_or_its_own(store: Store) -> None:
    await store.add_messages("s", [says("a", created_at="2023-05-08T13:56:00Z"), says("b")])
    given, now = [message.created_at for message in await store.get_messages("s")]
    assert given == "2023-05-08T13:56:00Z" and now is not None and now > "2024"
    with pytest.raises(InvalidParams, match="createdAt"):
        await store.add_messages("s", [says("c"), says("d", created_at="noon")])
    assert len(await store.get_messages("s")) == 2


async def test_what_a_run_adds_is_added_once(store: Store) -> None:
    first = await store.add_messages("s", [says("a"), says("b")], run_id="r")
    assert await store.add_messages("s", [says("a"), says("b")], run_id="r") == first
    assert len(await store.get_messages("s")) == 2


async def test_a_session_stays_in_its_scope(store: Store) -> None:
    await store.add_messages("s", [says("tea")], HERE)
    await store.add_messages("s", [says("more tea")])
    with pytest.raises(Conflict):
        await store.add_messages("s", [says("poison")], THERE)
    assert sorted(await found(store, "tea", scope=HERE)) == ["more tea", "tea"]
    for scope, count in ((HERE, 1), (THERE, 0)):
        assert len((await store.sessions(MemorySessionsParams(scope=scope))).sessions) == count


async def test_a_session_of_another_scope_is_neither_read_nor_cleared(store: Store) -> None:
    await store.add_messages("s", [says("tea")], HERE)
    for scope in (THERE, Scope(), Scope(workspace="here", user="u")):
        with pytest.raises(Conflict):
            await store.get_messages("s", scope=scope)
        with pytest.raises(Conflict):
            await store.clear_messages("s", scope)
    assert [message.content for message in await store.get_messages("s", scope=HERE)] == ["tea"]
    assert await store.clear_messages("s", HERE) == 1


async def test_sessions_are_listed_page_by_page_with_titles(store: Store) -> None:
    for name in ("one", "two", "three"):
        await store.add_messages(name, [says("Be brief.", role="system"), says(f"  About {name}\nand more")])
    await store.add_messages("one", [says("again")])
    first = await store.sessions(MemorySessionsParams(limit=2))
    second = await store.sessions(MemorySessionsParams(limit=2, cursor=first.next_cursor))
    sessions = [*first.sessions, *second.sessions]
    assert second.next_cursor is None and {session.session_id for session in sessions} == {"one", "two", "three"}
    assert {session.title for session in sessions} == {"About one", "About two", "About three"}
    assert {session.session_id: session.messages for session in sessions} == {"one": 3, "two": 2, "three": 2}
    for cursor in ("x", "nan:1", f"1.5:{2**70}"):
        for scope in (Scope(), Scope(user="nobody")):
            with pytest.raises(InvalidParams):
                await store.sessions(MemorySessionsParams(cursor=cursor, scope=scope))


async def test_a_long_title_is_cut(store: Store) -> None:
    await store.add_messages("s", [says("word " * 100)])
    [session] = (await store.sessions(MemorySessionsParams())).sessions
    assert session.title is not None and len(session.title) == 80 and session.title.endswith("…")


async def test_a_forgotten_message_leaves_nothing_in_those_that_stay(store: Store) -> None:
    said = [
        says("My word is zebra"),
        says("noted", role="assistant"),
        says("", role="tool"),
        says("thanks"),
        says("bye"),
    ]
    ids = (await store.add_messages("s", said)).ids
    await store.add_messages("t", [says("zebra, too"), says("yes")])
    assert await forget(store, id=ids[0]) == 1
    assert sorted(await found(store, "zebra")) == ["yes", "zebra, too"]
    assert sorted(await found(store, "thanks")) == ["bye", "thanks"]
    titles = {each.session_id: each.title for each in (await store.sessions(MemorySessionsParams())).sessions}
    assert titles == {"s": "thanks", "t": "zebra, too"}
    whole = "INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)"
    await store._database.write(lambda connection: connection.execute(whole))


async def test_a_session_that_is_cleared_is_gone_and_may_begin_anew(store: Store) -> None:
    await remember(store, "tea is kept", scope=HERE)
    await store.add_messages("s", [says("tea"), says("", role="assistant")], HERE)
    assert await store.clear_messages("s") == 2 and await store.clear_messages("s") == 0
    assert await store.get_messages("s") == []
    assert (await store.sessions(MemorySessionsParams(scope=HERE))).sessions == []
    assert await found(store, "tea", scope=HERE) == ["tea is kept"]
    await store.add_messages("s", [says("anew")], THERE)


async def test_a_session_has_a_name(store: Store) -> None:
    with pytest.raises(InvalidParams):
        await store.add_messages("", [says("a")])


async def test_the_messages_up_to_a_place_are_those_that_were_there(store: Store) -> None:
    await store.add_messages("s", [says("a"), says("b")])
    before, place, _ = await store.messages_up_to("s", None)
    await store.add_messages("s", [says("c")])
    again, same, _ = await store.messages_up_to("s", place)
    assert again == before and same == place
