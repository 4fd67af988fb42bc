"""Agents in Python, at real HTTP."""

import asyncio
import contextvars
import threading
from pathlib import Path
from typing import Any

import pytest

from agentrouted import Agent, Context, ErrorAgent, Retry, Usage, resolve_model, tool
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Reply, Upstream

PLACE = contextvars.ContextVar("PLACE", default="nowhere")


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def roles(messages: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in messages]


async def test_a_run_calls_tools_and_says_what_it_has_found() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.5}
    script = [Reply.tool_call("add", {"a": "1", "b": 2}), Reply.text("It is ", "3.", usage=usage)]
    async with Upstream(script) as upstream:
        agent = Agent("calculator", model=f"{upstream.url}/m", instructions="Be brief.", tools=[add])
        result = await agent.arun("What is 1 + 2?")
    assert (str(result), result.output, result.text) == ("It is 3.", "It is 3.", "It is 3.")
    assert roles(result.messages) == ["system", "user", "assistant", "tool", "assistant"]
    assert result.messages[2]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": "1", "b": 2}'}
    assert result.messages[3] == {"role": "tool", "content": "3", "tool_call_id": "call_1", "name": "add"}
    assert result.usage == Usage(20, 10, 0.5, 2)
    assert (result.usage.tool_calls, result.stop_reason, result.interrupted) == (1, "end_turn", False)
    assert (result.model, bool(result.run_id)) == ("127.0.0.1/m", True)


async def test_what_is_sent_has_the_shape_of_openai() -> None:
    async with Upstream() as upstream:
        await Agent("a", model=f"{upstream.url}/m", api_key="sk-1", instructions="Be brief.", tools=[add]).arun("Hi")
    received = upstream.requests[0]
    assert received.headers["authorization"] == "Bearer sk-1"
    assert received.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    function = {"name": "add", "description": "Add two numbers.", "parameters": add.params_schema}
    assert received.body["tools"] == [{"type": "function", "function": function}]


async def test_options_of_an_agent_and_of_one_run_are_sent() -> None:
    async with Upstream() as upstream:
        agent = Agent("a", model=f"{upstream.url}/m", temperature=0.5, max_tokens=9, instructions="Old")
        await agent.arun("Hi", temperature=0.25, stop=["."], seed=7, instructions="New")
        await agent.arun("Hi")
    first, second = (received.body for received in upstream.requests)
    assert (first["temperature"], first["stop"], first["seed"], first["max_tokens"]) == (0.25, ["."], 7, 9)
    assert first["messages"][0]["content"] == "New"
    assert (second["temperature"], "stop" in second, second["messages"][0]["content"]) == (0.5, False, "Old")


async def test_a_boundary_keeps_a_run_here() -> None:
    agent = Agent("a", model="openai/gpt-4o", api_key="k", boundary="local")
    with pytest.raises(ErrorAgent, match="boundary `local`"):
        await agent.arun("Hi")


async def test_how_hard_to_think_is_sent() -> None:
    async with Upstream() as upstream:
        await Agent("a", model=f"{upstream.url}/m", think="low").arun("Hi")
    assert upstream.requests[0].body["reasoning_effort"] == "low"


def test_a_program_without_an_event_loop_runs_too() -> None:
    model = ScriptedModel([[("add", {"a": 1, "b": 2})], "It is 3."])
    agent = Agent("a", model=model, tools=[add])
    assert [str(agent.run("What is 1 + 2?")), str(agent.run("Again"))] == ["It is 3.", "It is 3."]


async def test_run_inside_a_running_loop_says_what_to_await() -> None:
    with pytest.raises(RuntimeError, match=r"await agent\.arun"):
        Agent("a", model=ScriptedModel()).run("Hi")


async def test_a_resolved_model_serves_many_runs_threads_and_loops_over_one_connection() -> None:
    async with Upstream() as upstream:
        agent = Agent("a", model=resolve_model(f"{upstream.url}/m", api_key="sk-1"))
        texts = [str(await asyncio.to_thread(agent.run, "Hi")) for _ in range(3)]
        assert [*texts, str(await agent.arun("Hi"))] == ["Hello world"] * 4
    assert upstream.connections == 1
    assert {received.headers["authorization"] for received in upstream.requests} == {"Bearer sk-1"}


async def test_a_hundred_runs_at_once_are_kept_apart() -> None:
    model = ScriptedModel([lambda request: f"You said {request.messages[-1].content}."])
    agent = Agent("a", model=model)
    results = await asyncio.gather(*(agent.arun(str(number)) for number in range(100)))
    assert [str(result) for result in results] == [f"You said {number}." for number in range(100)]


async def test_all_that_the_user_has_written_sees_the_callers_loop_and_context_variables() -> None:
    seen: list[tuple[Any, str]] = []

    def look(*args: Any) -> None:
        seen.append((asyncio.get_running_loop(), PLACE.get()))

    class Model(ScriptedModel):
        async def complete(self, request: Any) -> Any:
            look()
            return await super().complete(request)

    async def act() -> None:
        look()

    async def needs_approval(context: Context, arguments: dict[str, Any]) -> bool:
        look()
        return True

    async def approve(context: Context, question: Any) -> bool:
        look()
        return True

    agent = Agent("a", model=Model([[("act", {})], "Done."]), approve=approve, output_validators=[look])
    agent.tool(needs_approval=needs_approval)(act)
    PLACE.set("here")
    await agent.arun("Hi")
    assert seen == [(asyncio.get_running_loop(), "here")] * 6


async def test_the_context_of_a_run_is_filled_in_and_kept_up_to_date() -> None:
    seen: list[Any] = []
    deps: list[str] = []
    agent = Agent("a", model=ScriptedModel([[("note", {})], [("note", {})], "Done."]), instructions="Be brief.")

    @agent.tool
    def note(context: Context) -> None:
        context.deps.append("called")
        seen.append((context.step, context.session_id, context.usage.model_calls, roles(context.messages)))

    result = await agent.arun("Hi", deps=deps, session_id="s")
    assert seen == [
        (1, "s", 1, ["system", "user"]),
        (2, "s", 2, ["system", "user", "assistant", "tool"]),
    ]
    assert (deps, result.session_id) == (["called", "called"], "s")


async def test_failures_and_wishes_of_tools_are_told_to_the_model() -> None:
    agent = Agent("a", model=ScriptedModel([[("fail", {}), ("wish", {}), ("add", {"a": 1}), ("gone", {})], "Done."]))
    agent.tool(add.fn)

    @agent.tool
    def fail() -> None:
        raise ValueError("no luck")

    @agent.tool
    async def wish() -> None:
        raise Retry("say please")

    told = [message["content"] for message in (await agent.arun("Hi")).messages if message["role"] == "tool"]
    assert told[:2] == ["Error: ValueError: no luck", "Retry: say please"]
    assert told[2].startswith("Error: ") and "b: Field required" in told[2]
    assert told[3] == "Error: unknown tool 'gone'. Available: ['add', 'fail', 'wish']"


async def test_a_tool_that_asks_again_too_often_ends_the_run() -> None:
    agent = Agent("a", model=ScriptedModel([[("wish", {})]]), retries=2)

    @agent.tool
    def wish() -> None:
        raise Retry("say please")

    with pytest.raises(ErrorAgent, match="after 2 retries: say please") as caught:
        await agent.arun("Hi")
    assert (caught.value.kind, caught.value.usage.model_calls) == ("outputInvalid", 3)


async def test_a_key_in_a_failure_is_not_told_to_the_model() -> None:
    agent = Agent("a", model=ScriptedModel([[("fail", {})], "Done."]))

    @agent.tool
    def fail() -> None:
        raise PermissionError("401 for sk-0123456789abcdef")

    assert (await agent.arun("Hi")).messages[2]["content"] == "Error: PermissionError: 401 for [key]"


async def test_results_stand_in_the_order_of_the_calls() -> None:
    first_may_end = asyncio.Event()
    agent = Agent("a", model=ScriptedModel([[("slow", {}), ("quick", {})], "Done."]))

    @agent.tool
    async def slow() -> str:
        await first_may_end.wait()
        return "slow"

    @agent.tool
    async def quick() -> str:
        first_may_end.set()
        return "quick"

    assert [message.get("content") for message in (await agent.arun("Hi")).messages[2:]] == ["slow", "quick", "Done."]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_takes_too_long_is_not_waited_for(is_async: bool) -> None:
    gate = threading.Event()
    agent = Agent("a", model=ScriptedModel([[("hang", {})], "Done."]))

    async def hang() -> None:
        await asyncio.Event().wait()

    agent.tool(name="hang", timeout=0.01)(hang if is_async else gate.wait)
    result = await agent.arun("Hi")
    gate.set()
    assert result.messages[2]["content"].startswith("Error: TimeoutError")


async def test_agents_run_inside_the_tools_of_agents() -> None:
    inner = Agent("inner", model=ScriptedModel(["from inside"]))
    outer = Agent("outer", model=ScriptedModel([[("ask", {}), ("ask_blocking", {})], "Done."]))

    @outer.tool
    async def ask() -> str:
        return str(await inner.arun("Hi"))

    @outer.tool
    def ask_blocking() -> str:
        return str(inner.run("Hi"))

    told = [message["content"] for message in (await outer.arun("Hi")).messages if message["role"] == "tool"]
    assert told == ["from inside", "from inside"]


async def test_a_tool_that_is_cancelled_by_something_else_has_failed() -> None:
    agent = Agent("a", model=ScriptedModel([[("wait", {})], "Done."]))

    @agent.tool
    async def wait() -> None:
        raise asyncio.CancelledError

    assert "CancelledError" in (await agent.arun("Hi")).messages[2]["content"]


async def test_a_model_of_the_user_needs_no_more_than_complete() -> None:
    class Least:
        async def complete(self, request: Any) -> Any:
            class Response:
                content, tool_calls, usage, model = "Hello", None, None, None

            return Response()

    result = await Agent("a", model=Least()).arun("Hi")
    assert (str(result), result.usage) == ("Hello", Usage(model_calls=1))


async def test_agents_of_the_config_can_be_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".agentroute").mkdir()
    async with Upstream([Reply.text("It is good.")]) as upstream:
        config = f"agents: {{reviewer: {{model: '{upstream.url}/m', instructions: Look closely.}}}}"
        (tmp_path / ".agentroute/config.yaml").write_text(config)
        model = ScriptedModel([[("reviewer", {"prompt": "Is it good?"})], "Yes."])
        result = await Agent("a", model=model, agents=["reviewer"]).arun("Hi")
    assert [message.get("content") for message in result.messages[2:]] == ["It is good.", "Yes."]
    assert result.usage.model_calls == 3


async def test_a_conversation_can_be_handed_on() -> None:
    model = ScriptedModel(["One.", "Two."])
    agent = Agent("a", model=model, instructions="Be brief.")
    first = await agent.arun("Hi")
    second = await agent.arun("And?", messages=first.messages)
    assert [message.content for message in model.requests[1].messages] == ["Be brief.", "Hi", "One.", "And?"]
    assert second.messages[:3] == first.messages


def test_an_agent_shows_no_key() -> None:
    agent = Agent("a", model="gpt-4o", api_key="sk-secret", base_url="https://llm.example.org/v1")
    assert repr(agent) == "Agent('a', model='gpt-4o')"


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Tool 'add' already registered on agent 'a'"):
        Agent("a", tools=[add]).tool(add.fn)


def test_an_agent_without_a_model_says_what_to_give_it() -> None:
    with pytest.raises(ValueError, match="Agent 'a' has no model set"):
        Agent("a").run("Hi")


@pytest.mark.parametrize(
    "options", [{"max_turns": 0}, {"retries": -1}, {"timeout": 0}, {"temperature": "hot"}, {"output_mode": "loud"}]
)
def test_options_that_cannot_be_meant_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Agent("a", **options)


async def test_an_option_that_nobody_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="max_turn"):
        await Agent("a", model=ScriptedModel()).arun("Hi", max_turn=3)


def test_an_agent_tells_what_it_is_made_of() -> None:
    agent = Agent("a", tools=[add], description="Adds.")
    assert (agent.name, agent.description, agent.max_turns, agent.retries) == ("a", "Adds.", 10, 1)
    assert agent.tools_map == {"add": add}
