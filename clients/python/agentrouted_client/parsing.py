"""Reads what the daemon sends, also one newer than we are."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agentrouted_protocol.events import RunEvent
from agentrouted_protocol.methods import METHODS


def parse(model: Any, value: Any) -> Any:
    """As that model of the contract. Fields that we do not know yet are left out, not refused."""
    return _adapter(model).validate_python(value, extra="ignore")


def parse_params(method: str, params: Any) -> Any:
    return parse(METHODS[method].params, params) if method in METHODS else params


def parse_result(method: str, result: Any) -> Any:
    return parse(METHODS[method].result, result) if method in METHODS else result


def parse_event(params: Any) -> RunEvent | None:
    """None for an event of a kind that we do not know yet."""
    try:
        event: RunEvent = parse(RunEvent, params)
    except ValidationError:
        return None
    return event


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
