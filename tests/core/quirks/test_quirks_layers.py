"""Which layer of what is known has the last word."""

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from harness.routes import World
from harness.wire import endpoint, prompt
from pydantic import SecretStr

from agentrouted.core.config.load import load_text
from agentrouted.core.config.quirks import QuirksSection
from agentrouted.core.endpoint import Endpoint
from agentrouted.core.quirks.profile import Quirks, quirks_of
from agentrouted.core.quirks.table import FAMILIES, FORMATS, PROVIDERS
from agentrouted.core.routing.vendors import LOCAL_KINDS, VENDORS
from agentrouted.core.wire.chat_request import chat_body
from agentrouted.core.wire.formats import FORMATS as WIRE_FORMATS
from agentrouted.core.wire.key_headers import key_headers
from agentrouted.core.wire.suited import suited
from agentrouted_protocol.messages import FilePart, Message, ToolCall
from agentrouted_protocol.runs import Sampling


def parameters(**changes: Any) -> Any:
    return quirks_of(endpoint("http://x/v1", **changes)).parameters


def test_each_layer_lies_over_the_one_before() -> None:
    o3: dict[str, Any] = {"provider": "openai", "model_id": "o3"}
    assert "temperature" not in parameters()
    assert parameters(provider="openai")["top_k"] is False
    assert parameters(**o3)["temperature"] is False
    assert parameters(**o3)["top_k"] is False
    probed = parameters(**o3, probed={"parameters": {"temperature": True}})
    assert (probed["temperature"], probed["top_k"]) == (True, False)
    both = {"probed": {"parameters": {"seed": False}}, "quirks": {"parameters": {"seed": True}}}
    assert parameters(**o3, **both)["seed"] is True


def test_every_row_is_of_somebody_who_is_known_and_has_known_fields() -> None:
    assert set(FORMATS) <= set(WIRE_FORMATS)
    assert set(PROVIDERS) <= {*VENDORS, *LOCAL_KINDS}
    for layer in (*FORMATS.values(), *PROVIDERS.values(), *(layer for _, layer in FAMILIES)):
        Quirks(**layer)


def test_the_config_has_a_key_for_each_quirk() -> None:
    assert list(QuirksSection.model_fields) == [each.name for each in fields(Quirks)]


def configured(quirks: str, model_quirks: str = "") -> Endpoint:
    config = f"""
providers:
  team:
    api_base: https://models.example/v1
    api_key: key-0123456789abcdef
    quirks: {{{quirks}}}
    models: [{{id: m, quirks: {{{model_quirks}}}}}]
"""
    return World(config=config).resolve("team/m").endpoints[0].endpoint


def body(asked: Endpoint, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(chat_body(asked, prompt(**changes)))
    return document


def test_the_config_renames_and_refuses_parameters() -> None:
    asked = configured("parameters: {max_tokens: max_completion_tokens, seed: false}", "parameters: {top_k: false}")
    request = prompt(sampling=Sampling(seed=1, top_k=2, temperature=0), max_tokens=9)
    sent = body(asked, sampling=request.sampling, max_tokens=9)
    assert (sent["max_completion_tokens"], sent["temperature"]) == (9, 0)
    assert sent.keys().isdisjoint({"max_tokens", "seed", "top_k"})
    assert len(suited(asked, request).warnings) == 2


def test_the_config_allows_what_is_thought_to_be_refused() -> None:
    config = "providers: {openai: {models: [{id: o3, quirks: {parameters: {temperature: true}}}]}}"
    (candidate,) = World({"OPENAI_API_KEY": "k"}, config).resolve("openai/o3").endpoints
    assert body(candidate.endpoint, sampling=Sampling(temperature=1))["temperature"] == 1


def test_the_config_says_what_goes_together() -> None:
    asked = configured("not_together: [top_p, temperature], parameters_while_thinking: {seed: false}")
    sampling = Sampling(temperature=1, top_p=0.5, seed=1)
    assert body(asked, sampling=sampling).keys() >= {"top_p", "seed"}
    assert "temperature" not in body(asked, sampling=sampling)
    assert "seed" not in body(asked, sampling=Sampling(seed=1, think=True))


def test_the_config_says_how_thinking_is_asked_for() -> None:
    asked = configured("think_field: reasoning, efforts: {minimal: low, max: false, none: minimal}")
    assert body(asked, sampling=Sampling(think="minimal"))["reasoning"] == {"effort": "low"}
    assert body(asked, sampling=Sampling(think=False))["reasoning"] == {"effort": "minimal"}
    assert "reasoning" not in body(asked, sampling=Sampling(think="max"))


def test_the_config_says_what_goes_back_and_where_the_key_stands() -> None:
    asked = configured("reasoning_back: true, key_header: X-Team-Key, names_tools: false, file_addresses: false")
    turn = Message(role="assistant", reasoning="plan", tool_calls=[ToolCall(id="c1", name="add")])
    assert body(asked, messages=[turn])["messages"][0]["reasoning_content"] == "plan"
    assert key_headers(asked) == {"X-Team-Key": "key-0123456789abcdef"}
    quirks = quirks_of(asked)
    assert (quirks.names_tools, quirks.file_addresses) == (False, False)


def test_an_address_of_a_file_is_refused_before_it_is_sent() -> None:
    file = Message(role="user", content=[FilePart(url="https://x/a.pdf")])
    assert body(configured(""), messages=[file])["messages"][0]["content"][0]["file"]["file_data"] == "https://x/a.pdf"
    with pytest.raises(Exception, match="the address of a file"):
        body(configured("file_addresses: false"), messages=[file])


@pytest.mark.parametrize(
    "written",
    [
        "parameters: {temprature: false}",
        "parameters: {seed: 3}",
        "efforts: {hard: high}",
        "efforts: {low: true}",
        "think_field: thoughts",
        "key_header: 'two words'",
        "colour: red",
    ],
)
def test_what_is_no_quirk_is_refused(written: str) -> None:
    problems = load_text(f"providers: {{team: {{quirks: {{{written}}}}}}}", None, {}).problems
    assert problems
    assert all(re.match(r"providers\.team\.quirks\.", problem.path) for problem in problems)


def test_azure_has_the_key_in_a_header_of_its_own() -> None:
    asked = endpoint("https://r.openai.azure.com/openai/v1", provider="azure", api_key=SecretStr("k"))
    assert key_headers(asked) == {"api-key": "k"}
