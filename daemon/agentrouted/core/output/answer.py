"""A reply, read for the structured answer in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agentrouted.core.output.json_text import values_in
from agentrouted.core.output.wanted import OUTPUT_TOOL, RESULT, Mode, Wanted
from agentrouted.core.schema.fit import DoesNotFit
from agentrouted.core.wire.base import ModelReply, RequestedCall

_NO_JSON: Final = "the answer is not JSON"
_NO_ARGUMENTS: Final = f"the arguments of {OUTPUT_TOOL} are not JSON"


@dataclass(frozen=True, slots=True)
class Answer:
    """It fits. `call_id` is that of the output tool's call, if it came so: it wants a result in the transcript."""

    value: Any
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not fit, and why, as the model may be told: see `retry_text`."""

    problems: tuple[str, ...]
    call_id: str | None = None


def read(wanted: Wanted, mode: Mode, reply: ModelReply) -> Answer | Refused | None:
    """The answer in a reply, however it came: models call the output tool unasked, and write what they should call.

    None: there is none yet, the model calls other tools.
    """
    outputs = [call for call in reply.calls if call.name == OUTPUT_TOOL]
    if outputs:
        return _first_that_fits([_read_call(wanted, call) for call in outputs])
    if reply.calls:
        return None
    if mode == "text":
        return Answer(reply.text)
    return _read_text(wanted, reply.text)


def retry_text(problems: Sequence[str]) -> str:
    """What a model is told of an answer that does not fit."""
    return "\n- ".join(["Retry: invalid structured output. Mend this and answer again:", *problems])


def _first_that_fits(results: Sequence[Answer | Refused]) -> Answer | Refused:
    return next((result for result in results if isinstance(result, Answer)), results[0])


def _read_call(wanted: Wanted, call: RequestedCall) -> Answer | Refused:
    candidates = iter([call.arguments]) if call.arguments is not None else values_in(call.text)
    result = _fitted(wanted, candidates)
    if isinstance(result, Answer):
        return Answer(result.value, call.id)
    return Refused(result or (_NO_ARGUMENTS,), call.id)


def _read_text(wanted: Wanted, text: str) -> Answer | Refused:
    result = _fitted(wanted, values_in(text))
    if not isinstance(result, Answer) and not wanted.is_object:
        # Where a string may be the answer, the text is one.
        bare = _fitted(wanted, iter([text.strip()]))
        result = bare if isinstance(bare, Answer) else result
    return result if isinstance(result, Answer) else Refused(result or (_NO_JSON,))


def _fitted(wanted: Wanted, candidates: Iterator[Any]) -> Answer | tuple[str, ...]:
    """The first that fits, or what is wrong with the first."""
    problems: tuple[str, ...] = ()
    for candidate in candidates:
        for value in _unwrapped(wanted, candidate):
            try:
                return Answer(wanted.fit(value))
            except DoesNotFit as error:
                problems = problems or error.problems
    return problems


def _unwrapped(wanted: Wanted, value: Any) -> tuple[Any, ...]:
    """With and without the object around it: a model may leave it out."""
    if not wanted.is_object and isinstance(value, dict) and value.keys() == {RESULT}:
        return (value[RESULT], value)
    return (value,)
