"""Which way a structured answer is asked for, and what follows a refusal."""

from typing import Any

import pytest
from harness.wire import endpoint

from agentrouted.core.errors import AgentroutedError
from agentrouted.core.output.modes import first_mode, next_mode
from agentrouted.core.output.wanted import Mode, Wanted
from agentrouted.core.wire.refusals import refused

AUTO = Wanted({"type": "object"}, "City")

NO_FORMAT = "This response_format type is unavailable now"
NO_SCHEMA = "Invalid schema for response_format 'City': 'default' is not permitted"
NO_TOOLS = "registry.ollama.ai/library/gemma:2b does not support tools"
NO_CHOICE = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
NOT_BOTH = "Function calling with a response mime type: 'application/json' is unsupported"


def refusal(status: int, text: str) -> AgentroutedError:
    return refused(endpoint("http://x/v1"), status, {}, b'{"error": {"message": "%s"}}' % text.encode())


@pytest.mark.parametrize(
    ("json_schema", "supports_tools", "has_tools", "mode"),
    [
        (True, True, False, "native"),
        (True, False, False, "native"),
        (True, True, True, "tool"),
        (True, False, True, "native"),
        (False, True, False, "tool"),
        (False, True, True, "tool"),
        (False, False, False, "prompted"),
        (False, False, True, "prompted"),
    ],
)
def test_auto_takes_what_the_endpoint_does_best(
    json_schema: bool, supports_tools: bool, has_tools: bool, mode: Mode
) -> None:
    where = endpoint("http://x/v1", json_schema=json_schema, supports_tools=supports_tools)
    assert first_mode(AUTO, where, has_tools=has_tools) == mode


@pytest.mark.parametrize("mode", ["native", "tool", "prompted", "text"])
def test_what_the_caller_wants_is_done_everywhere(mode: Any) -> None:
    for known in (True, False):
        where = endpoint("http://x/v1", json_schema=known, supports_tools=known)
        assert first_mode(Wanted({}, "City", mode), where, has_tools=True) == mode


@pytest.mark.parametrize(
    ("mode", "status", "text", "following"),
    [
        ("native", 400, NO_FORMAT, "tool"),
        ("native", 400, NO_SCHEMA, "tool"),
        ("native", 400, NOT_BOTH, "tool"),
        ("native", 422, "json_schema: extra fields not permitted", "tool"),
        ("native", 501, "structured output is not implemented", "tool"),
        ("native", 400, "temperature must be at most 2", None),
        ("native", 503, NO_FORMAT, None),
        ("native", 429, NO_FORMAT, None),
        ("tool", 400, NO_CHOICE, "offered"),
        ("tool", 404, "No endpoints found that support the provided 'tool_choice' value", "offered"),
        ("tool", 400, NO_TOOLS, "prompted"),
        ("tool", 500, "tools param requires --jinja flag", "prompted"),
        ("offered", 400, NO_TOOLS, "prompted"),
        ("prompted", 400, NO_TOOLS, None),
        ("text", 400, NO_TOOLS, None),
    ],
)
def test_a_refused_way_is_followed_by_a_simpler_one(mode: Mode, status: int, text: str, following: Mode | None) -> None:
    assert next_mode(AUTO, mode, refusal(status, text), local=True) == following
    if status < 500:
        assert next_mode(AUTO, mode, refusal(status, text), local=False) == following


@pytest.mark.parametrize("status", [500, 501])
def test_a_fault_of_a_hosted_provider_is_no_refusal(status: int) -> None:
    assert next_mode(AUTO, "native", refusal(status, NO_FORMAT), local=False) is None
    assert next_mode(AUTO, "tool", refusal(status, NO_CHOICE), local=False) is None


def test_other_errors_change_nothing() -> None:
    for error in (refusal(401, NO_TOOLS), refusal(402, NO_TOOLS), AgentroutedError("tools")):
        assert next_mode(AUTO, "tool", error, local=True) is None


def test_who_wants_one_way_only_gets_the_refusal() -> None:
    assert next_mode(Wanted({}, "City", "native"), "native", refusal(400, NO_FORMAT), local=True) is None
    assert next_mode(Wanted({}, "City", "tool"), "tool", refusal(400, NO_TOOLS), local=True) is None


def test_a_tool_that_cannot_be_demanded_is_offered_whoever_wants_it() -> None:
    assert next_mode(Wanted({}, "City", "tool"), "tool", refusal(400, NO_CHOICE), local=True) == "offered"
