"""What a script of the model leads to, message by message."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from agentrouted import Agent, LLMResponse, Memory, Retry
from agentrouted.testing import ScriptedModel

OUTPUT = "_return_structured_output"


class City(BaseModel):
    name: str


def call(name: str, arguments: str = "{}", call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asks(*calls: dict[str, Any], content: str | None = None) -> LLMResponse:
    return LLMResponse(content, list(calls), {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.25})


def asked(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", **more, "tool_calls": list(calls)}


def told(content: str, name: str, call_id: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "content": content, "tool_call_id": call_id, "name": name}


USER, DONE = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Done."}


@dataclass(frozen=True)
class Case:
    script: list[Any]
    added: list[dict[str, Any]]
    """To the conversation, after the prompt."""

    output: Any = "Done."
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    "an answer": Case(["Done."], [DONE]),
    "an empty answer": Case([LLMResponse(None)], [{"role": "assistant", "content": ""}], output=""),
    "one call": Case(
        [asks(call("add", '{"a": 1, "b": 2}')), "Done."],
        [asked(call("add", '{"a": 1, "b": 2}')), told("3", "add"), DONE],
    ),
    "words beside a call": Case(
        [asks(call("nothing"), content="Let me see."), "Done."],
        [asked(call("nothing"), content="Let me see."), told("", "nothing"), DONE],
    ),
    "calls in their order": Case(
        [asks(call("slow", call_id="c1"), call("nothing", call_id="c2")), "Done."],
        [
            asked(call("slow", call_id="c1"), call("nothing", call_id="c2")),
            told("slow", "slow"),
            told("", "nothing", "c2"),
            DONE,
        ],
    ),
    "two turns of calls": Case(
        [asks(call("nothing", call_id="c1")), asks(call("slow", call_id="c2")), "Done."],
        [
            asked(call("nothing")),
            told("", "nothing"),
            asked(call("slow", call_id="c2")),
            told("slow", "slow", "c2"),
            DONE,
        ],
    ),
    "a result that is an object": Case(
        [asks(call("thing")), "Done."], [asked(call("thing")), told('{"a": [1, null], "b": "\\u00e9"}', "thing"), DONE]
    ),
    "a tool nobody has": Case(
        [asks(call("gone")), "Done."],
        [
            asked(call("gone")),
            told("Error: unknown tool 'gone'. Available: ['add', 'fail', 'nothing', 'slow', 'thing', 'wish']", "gone"),
            DONE,
        ],
    ),
    "a tool that fails": Case(
        [asks(call("fail")), "Done."], [asked(call("fail")), told("Error: ValueError: no luck", "fail"), DONE]
    ),
    "a tool that wishes": Case(
        [asks(call("wish")), "Done."], [asked(call("wish")), told("Retry: say please", "wish"), DONE]
    ),
    "an answer of a type": Case(
        [asks(call(OUTPUT, '{"name": "Bern"}'))],
        [asked(call(OUTPUT, '{"name": "Bern"}')), told("ok", OUTPUT)],
        output=City(name="Bern"),
        options={"output": City},
    ),
    "an answer of a type, after a tool": Case(
        [asks(call("nothing")), asks(call(OUTPUT, '{"name": "Bern"}', "c2"))],
        [
            asked(call("nothing")),
            told("", "nothing"),
            asked(call(OUTPUT, '{"name": "Bern"}', "c2")),
            told("ok", OUTPUT, "c2"),
        ],
        output=City(name="Bern"),
        options={"output": City},
    ),
}


def agent(case: Case) -> Agent:
    made = Agent("a", model=ScriptedModel(case.script), instructions="Be brief.", memory=Memory(), **case.options)

    @made.tool
    def add(a: int, b: int) -> int:
        return a + b

    @made.tool
    async def slow() -> str:
        return "slow"

    @made.tool
    def nothing() -> None: ...

    @made.tool
    def thing() -> Any:
        return {"a": [1, None], "b": "é"}

    @made.tool
    def fail() -> None:
        raise ValueError("no luck")

    @made.tool
    def wish() -> None:
        raise Retry("say please")

    return made


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_run_leaves_exactly_these_messages(case: Case) -> None:
    tested = agent(case)
    result = await tested.arun("Hi")
    assert result.output == case.output
    assert result.messages == [{"role": "system", "content": "Be brief."}, USER, *case.added]
    assert tested.memory is not None
    assert [message.to_dict() for message in await tested.memory.get_messages()] == [USER, *case.added]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_each_call_of_the_model_gets_the_whole_conversation(case: Case) -> None:
    tested = agent(case)
    messages = (await tested.arun("Hi")).messages
    assert isinstance(tested.model, ScriptedModel)
    for request in tested.model.requests:
        sent = [message.to_dict() for message in request.messages]
        assert sent == messages[: len(sent)]
        assert messages[len(sent)]["role"] == "assistant"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_the_bill_has_each_call_of_the_model(case: Case) -> None:
    tested = agent(case)
    usage = (await tested.arun("Hi")).usage
    assert isinstance(tested.model, ScriptedModel)
    assert usage.model_calls == len(tested.model.requests)
    priced = [reply for reply in case.script if isinstance(reply, LLMResponse) and reply.usage]
    assert usage.total_cost_usd == 0.25 * len(priced)
