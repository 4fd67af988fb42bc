"""What every model of the contract shares."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Token = str | int


class WireModel(BaseModel):
    """A value that crosses the wire: camelCase keys, immutable, unknown fields refused.

    Build one in Python by field name; on the wire only the camelCase names are known.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        defer_build=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """This value as plain JSON data: camelCase keys, fields that are None left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class SentParams(WireModel):
    """What the daemon sends as parameters."""

    meta: Annotated[dict[str, Any] | None, Field(alias="_meta")] = None
    """Extensions, such as `traceparent`. Names that are not known are ignored here, and only here."""


class Params(SentParams):
    """What a client sends as parameters. The three fields here are accepted by every method."""

    work_done_token: Token | None = None
    """Progress in words is reported as `$/progress` with this token (LSP 3.17, work done progress)."""

    partial_result_token: Token | None = None
    """Events of a run arrive as values of `$/progress` with this token, in place of `run/event`."""


class NoParams(Params):
    """A method that takes nothing of its own."""


class Empty(WireModel):
    """A result that says nothing but that it worked."""
