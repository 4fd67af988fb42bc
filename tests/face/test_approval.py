"""Tools that somebody has to allow."""

from typing import Any

import pytest

from agentrouted import Agent, Context
from agentrouted.testing import ScriptedModel
from agentrouted_protocol import ToolApproveParams, ToolApproveResult


def agent(**options: Any) -> Agent:
    made = Agent(
        "a", model=ScriptedModel([[("delete", {"path": "a"})], [("delete", {"path": "b"})], "Done."]), **options
    )

    @made.tool(needs_approval=True)
    def delete(path: str) -> str:
        return f"deleted {path}"

    return made


async def told(agent: Agent) -> list[str]:
    return [message["content"] for message in (await agent.arun("Hi")).messages if message["role"] == "tool"]


async def test_without_anybody_to_ask_the_call_is_not_made() -> None:
    assert all(each.startswith("Error: ") and "deleted" not in each for each in await told(agent()))


async def test_a_decision_is_asked_for_each_call() -> None:
    questions: list[ToolApproveParams] = []

    async def approve(context: Context, question: ToolApproveParams) -> bool:
        questions.append(question)
        return bool(question.arguments["path"] == "a")

    assert await told(agent(approve=approve)) == ["deleted a", "Error: delete was not approved"]
    assert [(question.name, question.arguments) for question in questions] == [
        ("delete", {"path": "a"}),
        ("delete", {"path": "b"}),
    ]


async def test_a_decision_may_hold_for_the_whole_run() -> None:
    answers = iter(["allow_always"])
    assert await told(agent(approve=lambda context, question: next(answers))) == ["deleted a", "deleted b"]


async def test_a_decision_may_change_the_arguments_or_tell_the_model_why_not() -> None:
    answers = iter(
        [
            ToolApproveResult(decision="allow_once", arguments={"path": "c"}),
            ToolApproveResult(decision="reject_once", message="not that one"),
        ]
    )
    assert await told(agent(approve=lambda context, question: next(answers))) == ["deleted c", "Error: not that one"]


async def test_a_decision_that_fails_is_a_no() -> None:
    def approve(context: Context, question: ToolApproveParams) -> bool:
        raise ValueError("nobody at the desk")

    assert (await told(agent(approve=approve)))[0] == "Error: ValueError: nobody at the desk"


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_function_of_the_arguments_says_which_calls_need_approval(is_async: bool) -> None:
    made = Agent("a", model=ScriptedModel([[("pay", {"amount": "5"}), ("pay", {"amount": 500})], "Done."]))

    def is_much(context: Context, arguments: dict[str, Any]) -> bool:
        return bool(arguments["amount"] > 100)

    async def is_much_later(context: Context, arguments: dict[str, Any]) -> bool:
        return is_much(context, arguments)

    @made.tool(needs_approval=is_much_later if is_async else is_much)
    def pay(amount: int) -> str:
        return f"paid {amount}"

    paid, refused = await told(made)
    assert paid == "paid 5"
    assert refused.startswith("Error: ")


async def test_a_function_that_cannot_say_is_a_no() -> None:
    made = Agent("a", model=ScriptedModel([[("pay", {})], "Done."]), approve=lambda context, question: True)
    made.tool(name="pay", needs_approval=lambda context, arguments: arguments["amount"] > 1)(lambda: "paid")
    assert await told(made) == ["Error: KeyError: 'amount'"]
