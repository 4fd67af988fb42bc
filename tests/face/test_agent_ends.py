"""How runs end that do not end well."""

import asyncio

import pytest

from agentrouted import Agent, ErrorAgent, ErrorBudget, ErrorMaxTurns, tool
from agentrouted.testing import ScriptedModel
from agentrouted.testing.upstream import Received, Reply, Upstream


@tool
def add(a: int, b: int) -> int:
    return a + b


async def test_a_run_that_wants_more_turns_has_made_exactly_as_many_calls() -> None:
    model = ScriptedModel([lambda request: [("add", {"a": len(request.messages), "b": 2})]])
    with pytest.raises(ErrorMaxTurns, match=r"reached turn 4 \(limit=3\)") as caught:
        await Agent("a", model=model, tools=[add], max_turns=3).arun("Hi")
    error = caught.value
    assert (error.turn, error.limit, error.kind, len(model.requests)) == (4, 3, "maxTurns", 3)
    assert error.usage.model_calls == 3
    assert [message["role"] for message in error.messages] == ["user", *["assistant", "tool"] * 3]


@pytest.mark.parametrize(("own", "wanted", "held"), [(2, 9, 2), (9, 2, 2), (10, 20, 20)])
async def test_of_an_agents_limits_and_its_runs_the_stricter_holds(own: int, wanted: int, held: int) -> None:
    """Ten turns are the default: nobody's word."""
    model = ScriptedModel([lambda request: [("add", {"a": len(request.messages), "b": 2})]])
    with pytest.raises(ErrorMaxTurns) as caught:
        await Agent("a", model=model, tools=[add], max_turns=own).arun("Hi", max_turns=wanted)
    assert caught.value.limit == held


async def test_a_run_that_costs_too_much_says_what_it_has_cost() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.5}
    async with Upstream([Reply.chat({"content": "Hm."}, usage=usage)]) as upstream:
        with pytest.raises(ErrorBudget, match=r"spent=\$0.5000 \(limit=\$0.2500\)") as caught:
            await Agent("a", model=f"{upstream.url}/m").arun("Hi", max_cost=0.25)
    assert (caught.value.spent, caught.value.limit, caught.value.usage.total_cost_usd) == (0.5, 0.25, 0.5)


async def test_a_run_that_uses_too_many_tokens_is_told_in_tokens() -> None:
    with pytest.raises(ErrorBudget, match="tokens") as caught:
        await Agent("a", model=ScriptedModel([[("add", {"a": 1, "b": 2})]]), tools=[add], max_output_tokens=7).arun(
            "Hi"
        )
    assert caught.value.limit == 7


async def test_a_run_that_takes_too_long_is_an_error_of_its_kind() -> None:
    async with Upstream([Reply.silence()]) as upstream:
        with pytest.raises(ErrorAgent, match="longer than its timeout") as caught:
            await Agent("a", model=f"{upstream.url}/m", timeout=0.05).arun("Hi")
    assert caught.value.kind == "providerTimeout"


async def test_a_failure_has_its_kind_its_mend_and_its_bill() -> None:
    async with Upstream([Reply.tool_call("add", {"a": 1, "b": 2}), Reply.status(401)]) as upstream:
        with pytest.raises(ErrorAgent, match="401") as caught:
            await Agent("a", model=f"{upstream.url}/m", api_key="sk-secret", tools=[add]).arun("Hi")
    error = caught.value
    assert (error.kind, error.retryable, error.usage.model_calls) == ("providerAuth", False, 1)
    assert error.hint and error.hint in error.__notes__
    assert [message["role"] for message in error.messages] == ["user", "assistant", "tool"]
    assert "sk-secret" not in f"{error!r}{error.__notes__}"


async def test_cancelling_the_task_ends_the_run() -> None:
    async with Upstream([Reply.silence()]) as upstream:
        running = asyncio.create_task(Agent("a", model=f"{upstream.url}/m").arun("Hi"))
        received = await upstream.received()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await received.closed_early.wait()


async def test_a_run_can_be_cancelled_at_any_moment_of_its_beginning() -> None:
    def reply(request: Received) -> Reply:
        return Reply.text("Bye") if request.body["messages"][0]["content"] == "Bye" else Reply.silence()

    async with Upstream([reply]) as upstream:
        agent = Agent("a", model=f"{upstream.url}/m")
        for ticks in range(12):
            running = asyncio.create_task(agent.arun("Hi"))
            for _ in range(ticks):
                await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert str(await agent.arun("Bye")) == "Bye"


async def test_cancelling_a_run_cancels_the_runs_of_its_tools() -> None:
    async with Upstream([Reply.silence()]) as upstream:
        inner = Agent("inner", model=f"{upstream.url}/m")
        outer = Agent("outer", model=ScriptedModel([[("ask", {})]]))

        @outer.tool
        async def ask() -> str:
            return str(await inner.arun("Hi"))

        running = asyncio.create_task(outer.arun("Hi"))
        received = await upstream.received()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await received.closed_early.wait()


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ErrorAgent("no credit")])
async def test_what_a_model_of_the_user_raises_is_raised_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        await Agent("a", model=ScriptedModel([error])).arun("Hi")
    assert caught.value is error
