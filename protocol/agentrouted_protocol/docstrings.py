"""The strings under fields, read from the source."""

import ast
import inspect
from functools import cache
from types import ModuleType

from pydantic import BaseModel


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """What is written under each field of `model` and of its bases, by field name.

    Pydantic can do this itself (`use_attribute_docstrings`), but does it at import, where it costs 180 ms.
    """
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            docs |= _docs_of_module(inspect.getmodule(base)).get(base.__name__, {})
    return docs


@cache
def _docs_of_module(module: ModuleType | None) -> dict[str, dict[str, str]]:
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    return {node.name: _docs_of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docs_of_class(node: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                docs[name] = inspect.cleandoc(doc)
    return docs
