"""Runs that remember, and are reminded."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.hosts import WritingHost
from harness.in_process import asked, runs
from harness.memories import HERE, THERE, hits, remember, says

from agentrouted.core.agent.runs import Runs
from agentrouted.core.errors import InvalidParams
from agentrouted.core.host import SilentHost
from agentrouted.core.memory.store import Store
from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_protocol.memory import MemoryRememberParams

QUESTION = "What is my favourite colour?"


def memory(**more: Any) -> dict[str, Any]:
    return {"scope": HERE.to_wire(), **more}


def sent(request: Received) -> list[tuple[str, str]]:
    return [(message["role"], str(message["content"])) for message in request.body["messages"]]


def offered(request: Received) -> list[str]:
    return [tool["function"]["name"] for tool in request.body.get("tools", [])]


async def store_of(all_runs: Runs) -> Store:
    return await all_runs._services.memory.get()


async def test_what_is_remembered_is_put_before_the_prompt_with_its_source(tmp_path: Path) -> None:
    host = WritingHost()
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        store = await store_of(all_runs)
        told = await remember(store, "favorite color is blue", key="color", kind="preference", scope=HERE)
        await remember(store, "favorite color is violet", scope=THERE)
        await store.add_messages("earlier", [says("My favourite colour was green")], HERE)
        params = asked(upstream, prompt=QUESTION, instructions="Be brief.", memory=memory(recall="auto"))
        result = await all_runs.start(params, host).result()
    instructions, recalled, prompt = sent(upstream.requests[0])
    assert instructions == ("system", "Be brief.") and prompt == ("user", QUESTION) and recalled[0] == "system"
    assert "- favorite color is blue (preference, color, " in recalled[1] and "violet" not in recalled[1]
    assert "session earlier)" in recalled[1]
    [event] = [event for event in host.events if event.kind == "recall"]
    assert told.id in [hit.id for hit in event.hits] and 0 < event.tokens < 1000
    assert [message.role for message in result.messages] == ["user", "assistant"]
    assert offered(upstream.requests[0]) == []


async def test_it_is_put_before_the_last_question_where_there_is_no_prompt(tmp_path: Path) -> None:
    conversation = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": QUESTION},
    ]
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        await remember(await store_of(all_runs), "favorite color is blue", scope=HERE)
        params = asked(upstream, messages=conversation, memory=memory(recall="auto"))
        await all_runs.start(params.model_copy(update={"prompt": None}), SilentHost()).result()
    assert [role for role, _ in sent(upstream.requests[0])] == ["user", "assistant", "system", "user"]


async def test_nothing_is_said_where_nothing_is_remembered(tmp_path: Path) -> None:
    host = WritingHost()
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        await remember(await store_of(all_runs), "favorite color is blue", scope=THERE)
        await all_runs.start(asked(upstream, prompt=QUESTION, memory=memory(recall="auto")), host).result()
    assert sent(upstream.requests[0]) == [("user", QUESTION)] and "recall" not in host.kinds


SUMMARIES = "providers: {acme: {api_base: %s, api_key: k, local: false}}"


@pytest.mark.parametrize(("boundary", "seen"), [(None, ["violet"]), ("local", ["blue", "violet"])])
async def test_what_was_said_within_the_boundary_is_told_to_runs_within_it_only(
    boundary: str | None, seen: list[str], tmp_path: Path
) -> None:
    script = [Reply.tool_call("recall", {"query": ""}), Reply.text("ok")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        store = await store_of(all_runs)
        said = {"text": "favorite color is blue", "scope": HERE.to_wire()}
        await store.remember(MemoryRememberParams.model_validate(said), boundary="local")
        await remember(store, "favorite color is violet", scope=HERE)
        for recall in ("tool", "auto"):
            params = asked(upstream, prompt=QUESTION, memory=memory(recall=recall), boundary=boundary)
            await all_runs.start(params, SilentHost()).result()
    told = [str(upstream.requests[number].body["messages"]) for number in (1, 2)]
    assert [[color for color in ("blue", "violet") if color in each] for each in told] == [seen, seen]


async def test_what_is_recalled_belongs_to_the_question_and_is_in_no_summary_of_earlier_turns(tmp_path: Path) -> None:
    said = [{"role": role, "content": f"{role} says"} for role in ("user", "assistant", "user")]
    async with Upstream() as upstream, Upstream() as elsewhere, runs(tmp_path, SUMMARIES % elsewhere.url) as all_runs:
        await remember(await store_of(all_runs), "what the user says is blue", scope=HERE)
        history = {"strategy": "summarize", "model": "acme/m", "keepRecent": 1}
        params = asked(upstream, prompt=None, messages=said, history=history, memory=memory(recall="auto"))
        await all_runs.start(params, SilentHost()).result()
    assert "blue" not in str(elsewhere.requests[0].body) and "assistant says" in str(elsewhere.requests[0].body)
    assert ["blue" in text for _, text in sent(upstream.requests[0])] == [False, True, False]


@pytest.mark.parametrize("prompt", ["{code}\n{question}", "{question}\n{code}"])
async def test_a_question_is_found_before_and_behind_what_it_is_about(prompt: str, tmp_path: Path) -> None:
    code = "\n".join(f"line_{number} = compute(first{number}, second{number})" for number in range(200))
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        await remember(await store_of(all_runs), "favorite color is blue", scope=HERE)
        text = prompt.format(code=code, question=QUESTION)
        await all_runs.start(asked(upstream, prompt=text, memory=memory(recall="auto")), SilentHost()).result()
    assert "favorite color is blue" in sent(upstream.requests[0])[0][1]


async def test_what_is_recalled_has_a_bound(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        store = await store_of(all_runs)
        for number in range(30):
            await remember(store, f"colour {number} " + "and more " * 500, scope=HERE)
        await all_runs.start(asked(upstream, prompt=QUESTION, memory=memory(recall="auto")), SilentHost()).result()
    [(_, recalled), _] = sent(upstream.requests[0])
    assert 1000 < len(recalled) < 4500


async def test_of_a_long_text_the_model_reads_what_was_looked_for(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        text = f"{'before ' * 500}my favourite colour is blue{' behind' * 500}"
        await (await store_of(all_runs)).add_messages("earlier", [says(text)], HERE)
        await all_runs.start(asked(upstream, prompt=QUESTION, memory=memory(recall="auto")), SilentHost()).result()
    assert "before my favourite colour is blue behind" in sent(upstream.requests[0])[0][1]


async def test_what_was_said_in_many_sessions_is_told_once(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        store = await store_of(all_runs)
        await remember(store, "favorite color is blue", scope=HERE)
        for number in range(100):
            await store.add_messages(f"s{number}", [says("My favourite colour is violet")], HERE)
        await all_runs.start(asked(upstream, prompt=QUESTION, memory=memory(recall="auto")), SilentHost()).result()
    recalled = sent(upstream.requests[0])[0][1]
    assert recalled.count("violet") == 1 and "favorite color is blue" in recalled


async def test_what_stands_in_the_session_is_not_said_twice(tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        for _ in range(2):
            params = asked(upstream, prompt=QUESTION, sessionId="s", memory=memory(recall="auto"))
            await all_runs.start(params, SilentHost()).result()
    assert [role for role, _ in sent(upstream.requests[1])] == ["user", "assistant", "user"]


@pytest.mark.parametrize("way", ["auto", "tool"])
async def test_a_long_session_hides_nothing_that_is_remembered_elsewhere(way: str, tmp_path: Path) -> None:
    script = [Reply.tool_call("recall", {"query": QUESTION})] if way == "tool" else []
    async with Upstream([*script, Reply.text("Blue.")]) as upstream, runs(tmp_path) as all_runs:
        store = await store_of(all_runs)
        await remember(store, "favourite color is blue", scope=HERE)
        await store.add_messages("s", [says(f"my favourite colour {number}") for number in range(100)], HERE)
        params = asked(upstream, prompt=QUESTION, sessionId="s", memory=memory(recall=way))
        await all_runs.start(params, SilentHost()).result()
    [recalled] = [text for role, text in sent(upstream.requests[-1]) if role in ("system", "tool")]
    assert "- favourite color is blue" in recalled and "my favourite colour" not in recalled


@pytest.mark.parametrize(
    "history",
    [
        {"strategy": "slidingWindow", "windowSize": 3},
        {"strategy": "truncate", "maxTokens": 150},
        {"strategy": "summarize", "model": "acme/m", "keepRecent": 3},
    ],
    ids=lambda history: history["strategy"],
)
async def test_what_has_left_the_conversation_is_recalled(history: dict[str, Any], tmp_path: Path) -> None:
    said = ["my favourite colour is blue", *(f"what about the weather on day {number}?" for number in range(20))]
    async with Upstream() as upstream, Upstream() as elsewhere, runs(tmp_path, SUMMARIES % elsewhere.url) as all_runs:
        await (await store_of(all_runs)).add_messages("s", [says(each) for each in said], HERE)
        memory_of_it = memory(recall="auto")
        params = asked(upstream, prompt=QUESTION, sessionId="s", history=history, memory=memory_of_it)
        await all_runs.start(params, SilentHost()).result()
    *_, day, (_, recalled), _ = sent(upstream.requests[0])
    assert day == ("user", said[-1]) and "- my favourite colour is blue (message of user, " in recalled
    assert said[-1] not in recalled


async def test_what_does_not_fit_the_window_of_the_model_is_recalled(tmp_path: Path) -> None:
    config = "providers: {small: {api_base: %s, api_key: k, models: [{id: m, context_window: 3000}]}}"
    said = ["my favourite colour is blue", *(f"the weather on day {number} " * 100 for number in range(20))]
    async with Upstream() as upstream, runs(tmp_path, config % upstream.url) as all_runs:
        await (await store_of(all_runs)).add_messages("s", [says(each) for each in said], HERE)
        params = asked(upstream, model="small/m", prompt=QUESTION, sessionId="s", memory=memory(recall="auto"))
        await all_runs.start(params, SilentHost()).result()
    [blue] = [text for _, text in sent(upstream.requests[0]) if "blue" in text]
    assert "- my favourite colour is blue (message of user, " in blue


async def test_a_model_keeps_facts_and_finds_them_in_another_run(tmp_path: Path) -> None:
    fact = {"text": "The favourite colour is blue", "key": "color", "kind": "preference", "tags": ["taste"]}
    script = [
        Reply.tool_call("remember", fact),
        Reply.text("I will."),
        Reply.tool_call("recall", {"query": "colour"}),
        Reply.text("Blue."),
    ]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        params = asked(upstream, sessionId="s", runId="r", memory=memory(remember="tool"))
        await all_runs.start(params, SilentHost()).result()
        await all_runs.start(asked(upstream, memory=memory(recall="tool")), SilentHost()).result()
        [hit, *_] = await hits(await store_of(all_runs), "colour", scope=HERE, kinds=["preference"])
    assert (hit.key, hit.tags, hit.source.run_id, hit.source.session_id) == ("color", ["taste"], "r", "s")
    assert offered(upstream.requests[0]) == ["remember"] and offered(upstream.requests[2]) == ["recall"]
    assert sent(upstream.requests[1])[-1] == ("tool", "Remembered.")
    assert "- The favourite colour is blue (preference, color, " in sent(upstream.requests[3])[-1][1]


async def test_a_model_cannot_leave_the_scope(tmp_path: Path) -> None:
    script = [Reply.tool_call("recall", {"query": "", "scope": {}}), Reply.text("Nothing.")]
    async with Upstream(script) as upstream, runs(tmp_path) as all_runs:
        await remember(await store_of(all_runs), "secret")
        await all_runs.start(asked(upstream, memory=memory(recall="tool")), SilentHost()).result()
    assert sent(upstream.requests[1])[-1][1].startswith("Error: the arguments of recall do not fit")


@pytest.mark.parametrize("off", [None, {"scope": HERE.to_wire()}])
async def test_memory_is_off_unless_it_is_asked_for(off: Any, tmp_path: Path) -> None:
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        await remember(await store_of(all_runs), "favorite color is blue", scope=HERE)
        params = asked(upstream, prompt=QUESTION, **({"memory": off} if off else {}))
        await all_runs.start(params, SilentHost()).result()
        assert sent(upstream.requests[0]) == [("user", QUESTION)] and offered(upstream.requests[0]) == []
        assert len(await hits(await store_of(all_runs), "", scope=HERE)) == 1


async def test_an_agent_of_the_config_has_a_memory(tmp_path: Path) -> None:
    config = "agents: {poet: {memory: {scope: {workspace: here}, recall: auto, remember: tool}}}"
    async with Upstream() as upstream, runs(tmp_path, config) as all_runs:
        await remember(await store_of(all_runs), "favorite color is blue", scope=HERE)
        await all_runs.start(asked(upstream, prompt=QUESTION, agent="poet"), SilentHost()).result()
        other = asked(upstream, prompt=QUESTION, agent="poet", memory={"scope": {}})
        await all_runs.start(other, SilentHost()).result()
    assert "blue" in sent(upstream.requests[0])[0][1] and offered(upstream.requests[0]) == ["remember"]
    assert sent(upstream.requests[1]) == [("user", QUESTION)] and offered(upstream.requests[1]) == []


async def test_a_tool_of_the_caller_with_the_same_name_is_refused(tmp_path: Path) -> None:
    tools = [{"name": "remember", "inputSchema": {"type": "object"}}]
    async with Upstream() as upstream, runs(tmp_path) as all_runs:
        with pytest.raises(InvalidParams):
            params = asked(upstream, tools=tools, memory=memory(remember="tool"))
            await all_runs.start(params, SilentHost()).result()


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ({"memory": memory(recall="tool")}, "leave out `memory: {recall: tool}` (`recall: auto` needs no tools); or"),
        ({"memory": memory(remember="tool", recall="auto")}, "leave out `memory: {remember: tool}`; or"),
    ],
)
async def test_a_model_without_tools_is_told_with_the_setting_of_memory_that_gave_it_some(
    more: dict[str, Any], hint: str, tmp_path: Path
) -> None:
    async with Upstream() as upstream:
        model = {"id": "m", "tools": False}
        config = json.dumps({"providers": {"here": {"api_base": upstream.url, "models": [model]}}})
        async with runs(tmp_path, config) as all_runs:
            params = asked(upstream, **more).model_copy(update={"model": "here/m"})
            with pytest.raises(InvalidParams) as failure:
                await all_runs.start(params, SilentHost()).result()
        assert failure.value.hint and failure.value.hint.startswith(hint) and upstream.requests == []
