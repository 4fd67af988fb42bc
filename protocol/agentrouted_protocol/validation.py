"""Params as they come in: checked strictly, faults in words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from agentrouted_protocol.base import Params
from agentrouted_protocol.methods import METHODS
from agentrouted_protocol.places import locate

_MAX_PROBLEMS: Final = 5
# A look at each compares it with all.
_MAX_LOOKED_AT: Final = 100
# A list of a million wrong things has a million faults, and pydantic tells all or none of them: that takes seconds.
_MAX_TOLD: Final = 1000

# What a value must be, by the type of pydantic's error; braces are filled from the error's context.
_MUST_BE: Final[dict[str, str]] = {
    "string_type": "a string",
    "string_unicode": "well-formed Unicode",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "literal_error": "{expected}",
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "string_too_short": "at least {min_length} character{s} long",
    "string_too_long": "at most {max_length} character{s} long",
    "too_long": "a list of at most {max_length}",
    "string_pattern_mismatch": "of the form `{pattern}`",
}


@dataclass(frozen=True, slots=True)
class ParamsProblem:
    """One fault. `path` is as on the wire, such as `tools[0].inputSchema`; empty for the params as a whole."""

    path: str
    message: str


class InvalidParamsError(ValueError):
    """Params that do not fit their method. Names fields, never values: those may be secrets."""

    def __init__(self, problems: list[ParamsProblem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


_validators: dict[str, Callable[[object], Params]] = {}


def parse(method: str, params: object) -> Params:
    """The params of `method`, a key of `METHODS`, from decoded JSON; None counts as `{}`.

    Raises InvalidParamsError for an unknown or mistyped field, naming at most the first five.
    """
    validate = _validators.get(method) or _build_validator(method)
    try:
        return validate({} if params is None else params)
    except ValidationError as error:
        raise InvalidParamsError(_problems(method, error)) from None


def _build_validator(method: str) -> Callable[[object], Params]:
    validate = TypeAdapter(METHODS[method].params).validator.validate_python
    _validators[method] = partial(validate, strict=True, by_alias=True, by_name=False)
    return _validators[method]


def _problems(method: str, error: ValidationError) -> list[ParamsProblem]:
    if error.error_count() > _MAX_TOLD:
        return [_problem(method, "", [f"have {error.error_count()} faults: send fewer values to have them named"])]
    faults: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False)[:_MAX_LOOKED_AT]:
        path, verdict = _fault(method, detail)
        faults.setdefault(path, []).append(verdict)
    paths = [path for path in faults if not _is_inside(path, faults)]
    return [_problem(method, path, faults[path]) for path in paths[:_MAX_PROBLEMS]]


def _fault(method: str, detail: ErrorDetails) -> tuple[str, str]:
    """The path of one pydantic error, and what is wrong there."""
    params, location, context = METHODS[method].params, detail["loc"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return locate(params, location).path, f"is missing: {method} needs it"
        case "union_tag_not_found":
            return locate(params, location).child(_tag_name(context)), f"is missing: {method} needs it"
        case "union_tag_invalid":
            return locate(params, location).child(_tag_name(context)), f"must be one of {context['expected_tags']}"
        case "extra_forbidden":
            place, name = locate(params, location[:-1]), str(location[-1])
            meant = place.nearest(name)
            return place.child(name), f"is not a field of {method}" + (f": did you mean `{meant}`?" if meant else "")
        case _:
            return locate(params, location).path, must_be(detail)


def must_be(detail: ErrorDetails) -> str:
    """What a value of a wrong type or out of range must be, in words."""
    if detail["type"] not in _MUST_BE:
        return "does not fit its schema: see `agentrouted schema`"
    context = detail.get("ctx", {})
    s = "" if 1 in (context.get("min_length"), context.get("max_length")) else "s"
    return f"must be {_MUST_BE[detail['type']].format(**context, s=s)}"


def _tag_name(context: dict[str, str]) -> str:
    return context["discriminator"].strip("'")


def _is_inside(path: str, paths: Iterable[str]) -> bool:
    """True if a fault lies deeper in `path`: a union tells the fault of each branch, and that one was meant."""
    return any(other.startswith((f"{path}.", f"{path}[")) for other in paths)


def _problem(method: str, path: str, verdicts: list[str]) -> ParamsProblem:
    what = f"`{path}`" if path else f"the params of {method}"
    first, *others = dict.fromkeys(verdicts)
    return ParamsProblem(path, " or ".join([f"{what} {first}", *(other.removeprefix("must be ") for other in others)]))
