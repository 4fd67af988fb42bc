"""The type that an agent's answer has to have."""

from dataclasses import dataclass
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from agentrouted.core.schema.fit import DoesNotFit
from agentrouted.face.signature import problems_of
from agentrouted.face.typed_dicts import readable


@dataclass(frozen=True)
class OutputType:
    """A pydantic model, dataclass, TypedDict, `list[X]`, union, Literal: whatever pydantic can read."""

    schema: dict[str, Any]
    _adapter: "TypeAdapter[Any]"

    def check(self, value: Any) -> Any:
        """The value as that type. Raises `DoesNotFit`."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            raise DoesNotFit(problems_of(error)) from None


def output_type(wanted: Any) -> OutputType:
    """Raises TypeError for a type that JSON cannot hold."""
    try:
        adapter = TypeAdapter(readable(wanted))
        return OutputType(adapter.json_schema(), adapter)
    except PydanticUserError as error:
        raise TypeError(f"`output` cannot be {wanted!r}: {error.message}") from error
