"""Structured answers, as Python types."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from agentrouted_client.errors import ClientError
from agentrouted_protocol.runs import RunResult

ReadResult = Callable[[RunResult], RunResult]


def schema_and_reader(output: Any) -> tuple[dict[str, Any] | None, ReadResult]:
    """What the daemon is told of a wanted `output`, and what makes its result's `output` one.

    `output` is a JSON Schema, whose answers stay plain JSON, or any type that pydantic knows.
    """
    if output is None or isinstance(output, dict):
        return output, as_it_is
    adapter = TypeAdapter[Any](output)
    return adapter.json_schema(), lambda result: _typed(result, adapter)


def as_it_is(result: RunResult) -> RunResult:
    return result


def _typed(result: RunResult, adapter: TypeAdapter[Any]) -> RunResult:
    # A run that was stopped before its end has text at most.
    if result.stop_reason != "end_turn":
        return result
    try:
        # From JSON: a strict model takes what JSON cannot say, such as a date, from there only.
        output = adapter.validate_json(to_json(result.output))
    except ValidationError as error:
        raise ClientError(f"the answer fits its JSON Schema, and not its type: {error}") from error
    return result.model_copy(update={"output": output})
