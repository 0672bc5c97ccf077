"""Reads docstrings: of objects, and those that stand below assignments."""

import ast
import inspect
import textwrap
from itertools import pairwise
from types import ModuleType


def clean_docstring(documented: object) -> str:
    """Return the docstring of an object without its indentation."""
    return inspect.cleandoc(documented.__doc__ or "")


def read_attribute_docstrings(owner: ModuleType | type) -> dict[str, str]:
    """Return the strings that stand below the assignments of a module or a class, by the assigned name."""
    tree: ast.Module | ast.ClassDef = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    if isinstance(owner, type) and isinstance(tree.body[0], ast.ClassDef):
        tree = tree.body[0]
    return {
        name: inspect.cleandoc(below.value.value)
        for above, below in pairwise(tree.body)
        if (name := _get_assigned_name(above))
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _get_assigned_name(statement: ast.stmt) -> str:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return ""
