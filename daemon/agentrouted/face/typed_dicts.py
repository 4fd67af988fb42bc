"""Typed dictionaries, as pydantic can read them."""

import functools
import operator
import types
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions


def readable(hint: Any) -> Any:
    """The same type, with every `typing.TypedDict` in it as one of `typing_extensions`.

    Before Python 3.12 the standard library's tell too little about themselves, and pydantic refuses them.
    """
    if is_typeddict(hint):
        return _typed_dict(hint) if type(hint).__module__ == "typing" else hint
    origin, arguments = get_origin(hint), get_args(hint)
    readable_arguments = tuple(map(readable, arguments))
    if readable_arguments == arguments:
        return hint
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, readable_arguments)
    return Annotated[readable_arguments] if origin is Annotated else origin[readable_arguments]


def _typed_dict(hint: Any) -> Any:
    fields = {name: readable(each) for name, each in get_type_hints(hint).items()}
    given = {name: NotRequired[each] if name in hint.__optional_keys__ else each for name, each in fields.items()}
    made: Any = typing_extensions.TypedDict(hint.__name__, given)  # type: ignore[misc]  # its name is known later
    made.__doc__ = hint.__doc__
    return made
