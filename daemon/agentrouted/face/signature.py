"""What a function takes: its schema, its arguments checked."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, WithJsonSchema, create_model
from pydantic.fields import FieldInfo

from agentrouted.core.schema.fit import DoesNotFit
from agentrouted.face.annotations import annotations_of, plain_function
from agentrouted.face.context import Context
from agentrouted.face.docstrings import read_docstring
from agentrouted.face.plain_schema import plain_schema

_UNTYPED: Final = Annotated[Any, WithJsonSchema({"type": "string"})]
_LEFT_OUT: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's parameters as the model is told of them, and how its calls become calls in Python.

    Parameters annotated with `Context` are filled in by us, wherever they stand; `*args` and `**kwargs` are left out.
    """

    name: str
    description: str
    schema: dict[str, Any]
    contexts: tuple[str, ...]
    takes_more: bool
    """Whether arguments that have no parameter of their own go to `**kwargs`."""

    _parameters: tuple[inspect.Parameter, ...] = field(repr=False)
    _names: Mapping[str, str] = field(repr=False)
    """By field of `_arguments`, the parameter."""

    _arguments: type[BaseModel] = field(repr=False)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as Python wants them, by parameter, without those that are left to their defaults.

        Raises `DoesNotFit`.
        """
        more = {name: value for name, value in arguments.items() if name not in self.schema["properties"]}
        if more and not self.takes_more:
            raise DoesNotFit([f"{name}: there is no such argument" for name in more])
        try:
            checked = self._arguments.model_validate(dict(arguments), by_alias=True, by_name=False)
        except ValidationError as error:
            raise DoesNotFit(problems_of(error)) from None
        values = {name: getattr(checked, own) for own, name in self._names.items() if self._is_given(checked, own)}
        return {**values, **more}

    def bind(self, values: Mapping[str, Any], context: Context) -> tuple[list[Any], dict[str, Any]]:
        """What to call the function with."""
        named = {**values, **dict.fromkeys(self.contexts, context)}
        positional = [
            named.pop(parameter.name, parameter.default)
            for parameter in self._parameters
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        ]
        return positional, named

    def _is_given(self, checked: BaseModel, own: str) -> bool:
        # A default of pydantic's own is no value to the function.
        return own in checked.model_fields_set or own.startswith(_WITH_FIELD)


_PLAIN, _WITH_FIELD = "plain", "field"


def read_signature(function: Callable[..., Any]) -> Signature:
    """Raises TypeError for a function whose parameters cannot be told to a model."""
    parameters = tuple(inspect.signature(function).parameters.values())
    hints = annotations_of(function)
    bound = function.keywords if isinstance(function, functools.partial) else {}
    contexts = tuple(each.name for each in parameters if _is_context(hints.get(each.name)))
    told = [each for each in parameters if each.name not in {*contexts, *bound} and each.kind not in _LEFT_OUT]
    # By number, since pydantic does not take every name of a parameter for a field.
    names = {f"{_prefix(each)}{number}": each.name for number, each in enumerate(told)}
    fields = {own: (hints.get(each.name, _UNTYPED), _field(each)) for own, each in zip(names, told, strict=True)}
    text, descriptions = read_docstring(inspect.getdoc(plain_function(function)) or "")
    try:
        arguments = _arguments(fields, names)
        schema = _described(plain_schema(arguments), descriptions)
    except PydanticUserError as error:
        raise TypeError(f"{function_name(function)} cannot be a tool: {error.message}") from error
    takes_more = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    return Signature(function_name(function), text, schema, contexts, takes_more, parameters, names, arguments)


def _arguments(fields: Any, names: Mapping[str, str]) -> type[BaseModel]:
    """A model with a field for each parameter, under the parameter's name to the outside."""
    config = ConfigDict(
        # Dataclasses among the parameters take over what stands here, so their fields are asked for, too.
        alias_generator=lambda own: names.get(own, own),
        arbitrary_types_allowed=True,
        coerce_numbers_to_str=True,
    )
    return create_model("Arguments", __config__=config, **fields)


def function_name(function: Callable[..., Any]) -> str:
    named = function.func if isinstance(function, functools.partial) else function
    return getattr(named, "__name__", None) or type(named).__name__


def problems_of(error: ValidationError) -> list[str]:
    """One line for each: where, and what; never the value itself."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ") for each in found]


def _prefix(parameter: inspect.Parameter) -> str:
    return _WITH_FIELD if isinstance(parameter.default, FieldInfo) else _PLAIN


def _field(parameter: inspect.Parameter) -> Any:
    if isinstance(parameter.default, FieldInfo):
        return parameter.default
    return Field() if parameter.default is inspect.Parameter.empty else Field(parameter.default)


def _described(schema: dict[str, Any], descriptions: Mapping[str, str]) -> dict[str, Any]:
    """With the docstring's words for each parameter that has none of its own."""
    properties = {
        name: {"description": descriptions[name], **told} if descriptions.get(name) else told
        for name, told in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def _is_context(hint: Any) -> bool:
    if get_origin(hint) is not None:
        return any(_is_context(each) for each in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, Context)
