"""The types that a function's parameters are annotated with."""

import functools
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from agentrouted.face.typed_dicts import readable


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """By parameter; names in quotes, or all of them under `from __future__ import annotations`, are looked up.

    Raises TypeError for a name that is not known where the function is made a tool.
    """
    written_in = inspect.unwrap(plain_function(function))
    written = {name: hint for name, hint in getattr(written_in, "__annotations__", {}).items() if name != "return"}
    module = getattr(written_in, "__globals__", {})
    holder = types.SimpleNamespace(__annotations__=written)
    try:
        hints = get_type_hints(holder, module, _names_around(module), include_extras=True)
    except NameError as error:
        raise TypeError(f"a type in the parameters of {plain_function(function).__qualname__}: {error}") from error
    return {name: readable(hint) for name, hint in hints.items()}


def plain_function(function: Callable[..., Any]) -> Any:
    """The `def` in which the parameters are written."""
    if isinstance(function, functools.partial):
        return plain_function(function.func)
    if inspect.isclass(function):
        return function.__init__
    return function if inspect.isroutine(function) else type(function).__call__


def _names_around(module: Mapping[str, Any]) -> dict[str, Any]:
    """What is local where the function is being made a tool: types may be defined inside functions."""
    names: dict[str, Any] = {}
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is module:
            names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names
