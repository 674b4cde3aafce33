"""The texts below fields, members and constants, which Python itself does not keep."""

import ast
import dataclasses
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from types import ModuleType


@cache
def docstrings(holder: type | ModuleType) -> dict[str, str]:
    """Return the text that stands below each assignment of a module, or of a class and its base."""
    if isinstance(holder, type) and dataclasses.is_dataclass(base := holder.__base__):
        return docstrings(base) | _own(holder)
    return _own(holder)


def _own(holder: type | ModuleType) -> dict[str, str]:
    parsed = ast.parse(textwrap.dedent(inspect.getsource(holder)))
    body = parsed.body
    if isinstance(holder, type):
        (shape,) = body
        assert isinstance(shape, ast.ClassDef)
        body = shape.body
    found = {}
    for assigned, words in pairwise(body):
        match assigned, words:
            case (
                (ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)])),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = text
    return found
