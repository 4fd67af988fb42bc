"""Functions as tools: `@tool`."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, overload

from agentrouted.core.schema.check import compile_fit
from agentrouted.core.schema.fit import Fit
from agentrouted.core.threads import in_thread
from agentrouted.face.annotations import plain_function
from agentrouted.face.context import Context
from agentrouted.face.signature import Signature, read_signature
from agentrouted_protocol.runs import Effect

NeedsApproval = bool | Callable[[Context, dict[str, Any]], bool | Awaitable[bool]]
"""True, or a function of the context and the arguments that says so for each call."""


@dataclass
class Tool:
    """A function that a model may call. `@tool` makes one; calling it calls the function."""

    name: str
    description: str
    """For the model: what it does, and when to use it."""

    params_schema: dict[str, Any]
    """JSON Schema of the arguments."""

    fn: Callable[..., Any]
    takes_context: bool = False
    needs_approval: NeedsApproval = False
    timeout: float | None = None
    """Seconds; then the model is told that the tool timed out."""

    effect: Effect = "idempotent"
    """`once`: never beside another call, never repeated after a crash without asking."""

    signature: Signature | None = field(default=None, repr=False, compare=False)
    """What the function takes. A tool that is made by hand has none: its arguments are checked by their schema."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the function wants them. Raises `DoesNotFit`."""
        return self.signature.check(arguments) if self.signature else self._fit(arguments)

    @cached_property
    def _fit(self) -> Fit:
        return compile_fit(self.params_schema)

    async def invoke(self, args: dict[str, Any], *, ctx: Context) -> Any:
        """Call the function as a run does: arguments checked, context filled in, off the event loop if it blocks."""
        positional, named = self._bind(self.check(args), ctx)
        call = partial(self.fn, *positional, **named)
        result = call() if _is_async(self.fn) else await in_thread(call)
        return await result if inspect.isawaitable(result) else result

    def _bind(self, values: dict[str, Any], context: Context) -> tuple[list[Any], dict[str, Any]]:
        if self.signature:
            return self.signature.bind(values, context)
        return [context] if self.takes_context else [], values


@overload
def tool(fn: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = ...,
    description: str | None = ...,
    needs_approval: NeedsApproval = ...,
    timeout: float | None = ...,
    effect: Effect = ...,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(fn: Callable[..., Any] | None = None, /, **options: Any) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a function a tool: its type hints become the schema, its docstring the description.

        @tool(timeout=5, needs_approval=True)
        def delete(path: str) -> str:
            \"\"\"Delete a file.

            Args:
                path: Where it is.
            \"\"\"

    `name` and `description` stand in place of the function's own. Raises TypeError for parameters that cannot be
    told to a model.
    """
    return make_tool(fn, **options) if fn is not None else partial(make_tool, **options)


def make_tool(
    fn: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    needs_approval: NeedsApproval = False,
    timeout: float | None = None,
    effect: Effect = "idempotent",
) -> Tool:
    signature = read_signature(fn)
    return Tool(
        name=name or signature.name,
        description=signature.description if description is None else description,
        params_schema=signature.schema,
        fn=fn,
        takes_context=bool(signature.contexts),
        needs_approval=needs_approval,
        timeout=timeout,
        effect=effect,
        signature=signature,
    )


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(plain_function(function))
