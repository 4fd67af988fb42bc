"""Where in the params a fault is, and what was meant there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from agentrouted_protocol.base import WireModel


@dataclass(frozen=True, slots=True)
class Place:
    """A path as on the wire, such as `tools[0]`, and the models that may stand there."""

    path: str
    models: Sequence[type[WireModel]]

    def child(self, name: str) -> str:
        # A name that is long or cannot be printed was hardly meant as one: it may be anything, a key too.
        shown = name if len(name) <= 64 and name.isprintable() else "…"
        return f"{self.path}.{shown}" if self.path else shown

    def nearest(self, name: str) -> str | None:
        """The field that was probably meant by `name`."""
        fields = {_plain(field): field for model in self.models for field in _annotations(model)}
        matches = get_close_matches(_plain(name), fields, n=1)
        return fields[matches[0]] if matches else None


def locate(params: Any, location: Sequence[str | int]) -> Place:
    """The place of a pydantic error. In its location, branches of unions stand between the names of fields."""
    place = Place("", list(_models_in(params)))
    for step in location:
        if isinstance(step, int):
            place = Place(f"{place.path}[{step}]", place.models)
        elif branch := [model for model in place.models[1:] and place.models if step in _tags(model)]:
            place = Place(place.path, branch)
        elif found := [fields[step] for model in place.models if step in (fields := _annotations(model))]:
            place = Place(place.child(step), [model for type_ in found for model in _models_in(type_)])
    return place


def _models_in(type_: Any) -> Iterator[type[WireModel]]:
    if isinstance(type_, type) and issubclass(type_, WireModel):
        yield type_
    for argument in get_args(type_):
        yield from _models_in(argument)


def _annotations(model: type[WireModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _tags(model: type[WireModel]) -> set[Any]:
    return {tag for type_ in _annotations(model).values() if get_origin(type_) is Literal for tag in get_args(type_)}


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
