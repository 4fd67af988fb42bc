"""Which keys may stand at a place of the file."""

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from agentrouted.core.config.document import KeyPath
from agentrouted.core.config.model import Config

NOT_SERVED_YET = frozenset({"gateway", "guardrails"})
"""Keys that later versions will know: refused by name, so that nobody believes that they have an effect."""


def section_at(path: KeyPath, root: type[BaseModel] = Config) -> type[BaseModel] | None:
    """The model of the mapping at `path`, or None where there is none."""
    here: Any = root
    for part in path:
        here = _inside(here, part)
    return here if _is_section(here) else None


def plain_type(annotation: Any) -> Any:
    """The type without `Annotated` and without `| None`; of several, the first."""
    return plain_types(annotation)[0]


def plain_types(annotation: Any) -> list[Any]:
    """The same, all of them."""
    if get_origin(annotation) is Annotated:
        return plain_types(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [kind for each in get_args(annotation) if each is not NoneType for kind in plain_types(each)]
    return [annotation]


def _inside(kind: Any, part: str | int) -> Any:
    if _is_section(kind):
        field = kind.model_fields.get(part)
        return plain_type(field.annotation) if field else None
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return plain_type(arguments[1])
    return plain_type(arguments[0]) if get_origin(kind) is tuple else None


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
