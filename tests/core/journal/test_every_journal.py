"""What every journal does, on disk or in memory."""

import asyncio
import time

import pytest
from harness.journals import a_run_that_ended, event, events_from, record, says

from agentrouted.core.errors import Conflict, InvalidParams, NotFound
from agentrouted.core.journal.base import Journal, Step, StoredRun
from agentrouted_protocol.messages import ImagePart, Message, ToolCall, Usage
from agentrouted_protocol.runs import RunStatus

_DAYS = 86400


async def stored(journal: Journal, run_id: str = "a") -> StoredRun:
    run = await journal.load(run_id)
    assert run
    return run


async def test_a_run_is_found_as_it_was_begun(journal: Journal) -> None:
    begun = record(agent="poet", model="fast", session_id="s", parent_run_id="p", params={"prompt": "hi", "tools": []})
    await journal.begin(begun)
    run = await stored(journal)
    assert (run.record, run.status, run.last_seq, run.messages) == (begun, "running", 0, ())
    assert (run.usage, run.state, run.result, run.error) == (Usage(), {}, None, None)
    assert run.created_at == run.updated_at and run.created_at.endswith("Z")


async def test_large_params_come_back_as_they_were_given(journal: Journal) -> None:
    conversation = [{"role": "user", "content": f"{n} " * 500} for n in range(9)]
    params = {"messages": conversation, "tools": [{"name": "t" * 2000}], "prompt": "hi", "output": None}
    await journal.begin(record("a", params=params))
    await journal.begin(record("b", params={"messages": []}))
    assert (await stored(journal, "a")).record.params == params
    assert (await stored(journal, "b")).record.params == {"messages": []}


async def test_a_run_that_is_not_there_is_none(journal: Journal) -> None:
    assert await journal.load("a") is None
    assert await journal.events("a", 0) == []


async def test_an_id_is_begun_once(journal: Journal) -> None:
    await journal.begin(record())
    with pytest.raises(Conflict):
        await journal.begin(record())
    await journal.end("a", "completed", {}, None)
    with pytest.raises(Conflict):
        await journal.begin(record())


async def test_of_two_who_begin_the_same_id_at_once_one_does(journal: Journal) -> None:
    outcomes = await asyncio.gather(journal.begin(record()), journal.begin(record()), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [Conflict]


async def test_messages_come_back_exactly_and_in_order_of_place(journal: Journal) -> None:
    call = ToolCall(id="c", name="t", arguments={"none": None, "deep": [{"1": 1.5}], "text": "né\x00\ud83d"})
    messages = [
        Message(role="user", content=[ImagePart(data="AAAA" * 5000, mime_type="image/png")]),
        Message(role="assistant", content="", reasoning="hm", tool_calls=[call]),
        Message(role="tool", content="", tool_call_id="c", name="t"),
    ]
    await journal.begin(record())
    journal.write("a", Step(messages=[(2, messages[2]), (1, messages[1])]))
    journal.write("a", Step(messages=[(0, messages[0])]))
    assert [message for _, message in (await stored(journal)).messages] == messages


async def test_each_message_knows_the_last_event_before_it(journal: Journal) -> None:
    await journal.begin(record())
    journal.write("a", Step(messages=[(0, says("first"))]))
    journal.write("a", Step(events=[event(1), event(2)], messages=[(1, says("second"))]))
    journal.write("a", events_from(3, 3))
    journal.write("a", Step(messages=[(2, says("third"))]))
    run = await stored(journal)
    assert [seq for seq, _ in run.messages] == [0, 2, 3]
    assert run.last_seq == 3


async def test_a_place_that_is_written_again_has_what_came_last(journal: Journal) -> None:
    await journal.begin(record())
    journal.write("a", Step(messages=[(0, says("draft"))]))
    await journal.flush()
    journal.write("a", Step(events=[event(1)], messages=[(0, says("more")), (0, says("final"))]))
    assert (await stored(journal)).messages == ((1, says("final")),)


async def test_a_step_changes_only_what_it_has(journal: Journal) -> None:
    await journal.begin(record())
    journal.write("a", Step(calls_begun=["c1"], usage=Usage(input_tokens=1), state={"turn": 1}))
    journal.write("a", Step(calls_begun=["c2", "c1"], usage=Usage(input_tokens=2)))
    await journal.flush()
    journal.write("a", Step(events=[event(1)]))
    run = await stored(journal)
    assert (set(run.calls_begun), run.usage, run.state) == ({"c1", "c2"}, Usage(input_tokens=2), {"turn": 1})


async def test_a_state_is_kept_as_it_was_when_it_was_given(journal: Journal) -> None:
    state = {"turn": 1}
    await journal.begin(record())
    journal.write("a", Step(state=state))
    state["turn"] = 2
    assert (await stored(journal)).state == {"turn": 1}


async def test_events_come_back_after_a_number_in_order(journal: Journal) -> None:
    await journal.begin(record())
    for seq in range(1, 2001):
        journal.write("a", Step(events=[event(seq)]))
        if seq in {3, 4, 900}:
            await journal.flush("a")
    for after in (0, 1, 2, 3, 4, 5, 899, 900, 1999, 2000, 10**30):
        assert await journal.events("a", after) == [event(seq)[1] for seq in range(after + 1, 2001)]


async def test_the_end_has_a_result_or_an_error(journal: Journal) -> None:
    result = {"runId": "a", "messages": [says("yes").to_wire(), says("elsewhere").to_wire()], "lastSeq": 1}
    error = {"code": -31001, "message": "no", "data": {"kind": "storage", "messages": [says("yes").to_wire()]}}
    for run_id in ("a", "b"):
        await journal.begin(record(run_id))
        journal.write(run_id, Step(messages=[(0, says("yes"))]))
    await journal.end("a", "cancelled", result, None)
    await journal.end("b", "failed", None, error)
    run = await stored(journal, "a")
    assert (run.status, run.result, run.error) == ("cancelled", result, None)
    run = await stored(journal, "b")
    assert (run.status, run.result, run.error) == ("failed", None, error)


async def test_what_is_written_after_the_end_or_for_no_run_is_ignored(journal: Journal) -> None:
    await a_run_that_ended(journal, "a")
    journal.write("a", events_from(2, 3))
    journal.write("b", events_from(1, 1))
    await journal.end("b", "completed", {}, None)
    await journal.flush()
    assert (await stored(journal)).last_seq == 1
    assert await journal.load("b") is None


async def test_pages_have_the_newest_first_and_every_run_once(journal: Journal) -> None:
    for number in range(7):
        await journal.begin(record(f"{number}"))
    seen, cursor = [], None
    while True:
        page = await journal.page(status=None, session_id=None, limit=3, cursor=cursor)
        seen.append([run.record.run_id for run in page.runs])
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


async def test_pages_have_what_was_asked_for(journal: Journal) -> None:
    await a_run_that_ended(journal, "a", session_id="s", agent="poet")
    await journal.begin(record("b", session_id="s"))
    await journal.begin(record("c"))
    journal.write("c", Step(events=[event(1)], usage=Usage(output_tokens=3)))

    async def ids(status: RunStatus | None = None, session_id: str | None = None) -> list[str]:
        page = await journal.page(status=status, session_id=session_id, limit=9, cursor=None)
        return [run.record.run_id for run in page.runs]

    assert await ids(session_id="s") == ["b", "a"]
    assert await ids(status="running") == ["c", "b"]
    assert await ids(status="completed", session_id="s") == ["a"]
    assert await ids(status="failed") == []
    newest = (await journal.page(status=None, session_id=None, limit=1, cursor=None)).runs[0]
    assert (newest.usage, newest.last_seq) == (Usage(output_tokens=3), 1)


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.0", "²", "9" * 40])
async def test_a_cursor_that_is_none_of_ours_is_refused(journal: Journal, cursor: str) -> None:
    with pytest.raises(InvalidParams):
        await journal.page(status=None, session_id=None, limit=1, cursor=cursor)


async def test_only_an_interrupted_run_can_be_reopened(journal: Journal) -> None:
    with pytest.raises(NotFound):
        await journal.reopen("a")
    await journal.begin(record())
    with pytest.raises(Conflict):
        await journal.reopen("a")
    await journal.end("a", "completed", {}, None)
    with pytest.raises(Conflict):
        await journal.reopen("a")


async def test_a_run_that_was_left_for_later_goes_on_where_it_was(journal: Journal) -> None:
    await journal.begin(record())
    journal.write("a", Step(events=[event(1)], messages=[(0, says("one"))]))
    await journal.end("a", "interrupted", None, None)
    assert (await stored(journal)).status == "interrupted"
    await journal.reopen("a")
    journal.write("a", Step(messages=[(1, says("two"))]))
    journal.write("a", events_from(2, 2))
    run = await stored(journal)
    assert (run.status, run.last_seq) == ("running", 2)
    assert run.messages == ((1, says("one")), (1, says("two")))


async def test_ended_runs_are_forgotten_when_they_are_old(journal: Journal) -> None:
    await a_run_that_ended(journal, "a")
    await journal.begin(record("b"))
    await journal.prune(time.time())
    assert await journal.load("a")
    await journal.prune(time.time() + 8 * _DAYS)
    assert await journal.load("a") is None
    assert await journal.load("b")
    assert await journal.events("a", 0) == []


async def test_what_is_forgotten_can_be_begun_again(journal: Journal) -> None:
    await a_run_that_ended(journal, "a")
    await journal.prune(time.time() + 8 * _DAYS)
    await journal.begin(record())
    assert (await stored(journal)).messages == ()
