"""Builds the page on error codes.

The codes come from the code itself: the syntax trees of the server's packages give the codes and messages that are
written there, and the application's own error handlers give the status and the headers of each.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.app import create_app
from docs.generators.docstrings import clean_docstring
from docs.generators.markdown import format_generated_note, format_table
from service import errors
from service.settings import Settings
from stackyard.spec import Advice

INTRODUCTION = """\
# Error codes

{note}

Every error of the HTTP API is a problem document of type `application/problem+json` (RFC 9457):

```json
{{
  "type": "about:blank",
  "title": "Unprocessable Entity",
  "status": 422,
  "code": "invalid",
  "detail": "expected 3 units for the 3 classes of the column \\"cultivar\\", received 2: set units to 3",
  "errors": [
    {{"pointer": "/network/layers/3/units", "message": "…", "received": 2, "fix": "set units to 3"}}
  ]
}}
```

Programs should look at `code`, which stays the same from version to version. `detail` is a sentence for people.
`errors` lists every fault of a spec, a parameter or rows to predict, each at its JSON pointer.

Where the table says "later", the response has the header `Retry-After`, and the same request may succeed later.

`…` stands for a part of the message that differs from case to case."""

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "service", "worker")
PLACEHOLDERS = {"kind": ("model", "summary", "preprocessing")}
"""Values of the names that stand in braces in a code: the kinds of files that a job makes."""


@dataclass
class Code:
    """An error code; `messages` are the sentences that the code of the server writes beside it."""

    status: int
    retry: bool
    messages: dict[str, None] = field(default_factory=dict)


def build_error_page() -> str:
    """Return the page."""
    codes = collect_codes()
    rows = [
        (f"`{name}`", code.status, "later" if code.retry else "", "<br>".join(code.messages) or "`detail` says why.")
        for name, code in sorted(codes.items(), key=lambda item: (item[1].status, item[0]))
    ]
    note = format_generated_note("the error classes, their uses and the error handlers of the API")
    return f"{INTRODUCTION.format(note=note)}\n\n{format_table(('code', 'status', 'repeat', 'meaning'), rows)}\n"


def collect_codes() -> dict[str, Code]:
    """Return every code that a problem document of the API may have."""
    codes: dict[str, Code] = {}
    with TemporaryDirectory() as directory, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        app = create_app(Settings(data_dir=directory))
        for error, message in _list_errors(app):
            _add_response(codes, _call_handler(app, error), message)
        for status, code, message in _find_direct_responses():
            codes.setdefault(code, Code(status, retry=False)).messages[message] = None
    return codes


def _list_errors(app: FastAPI) -> Iterator[tuple[Exception, str]]:
    """Yield an instance of every error that the API's handlers answer, with its meaning."""
    yield from _list_service_errors()
    yield RequestValidationError([{"loc": (), "msg": ""}]), clean_docstring(errors.InvalidInput).splitlines()[0]
    for status in _list_http_statuses():
        yield HTTPException(status), f"{status.description or status.phrase}."
    for error_class in app.exception_handlers:
        if isinstance(error_class, type) and issubclass(error_class, DBAPIError):
            yield error_class("", {}, Exception()), ""
    yield Exception(), ""


def _list_service_errors() -> Iterator[tuple[Exception, str]]:
    """Yield the errors of the use cases: those without a code of their own, then those that name one."""
    for error_class in _list_error_classes():
        if error_class.__name__ not in _CODED_CLASSES:
            yield _build_error(error_class), clean_docstring(error_class).splitlines()[0]
    for name, call in _find_calls():
        if name == Advice.__name__:  # a warning in the report of a check, and no error
            continue
        error_class = _CODED_CLASSES.get(name, errors.Unavailable)
        if name in _CODED_CLASSES or not _get_status(call):
            for code, message in _list_codes(call, positional=name in _CODED_CLASSES):
                yield _build_error(error_class, code=code), message


def _find_direct_responses() -> Iterator[tuple[int, str, str]]:
    """Yield the problem documents that the API writes without an error class: status, code and message."""
    for _, call in _find_calls():
        if status := _get_status(call):
            for code, message in _list_codes(call, positional=False):
                yield status, code, message


def _call_handler(app: FastAPI, error: Exception) -> Response | None:
    """Return the response to an error; None for an error that the API never answers."""
    handler: Any = next(app.exception_handlers[kind] for kind in type(error).__mro__ if kind in app.exception_handlers)
    scope = {"type": "http", "app": app, "method": "GET", "path": "/nowhere", "root_path": ""}
    request = SimpleNamespace(url=SimpleNamespace(path="/"), scope=scope)
    try:
        return handler(request, error)
    except (RuntimeError, StopIteration):
        return None


def _add_response(codes: dict[str, Code], response: Response | None, message: str) -> None:
    if response is None:
        return
    problem = json.loads(response.body)
    known = problem["code"] in codes
    code = codes.setdefault(problem["code"], Code(response.status_code, "retry-after" in response.headers))
    text = message or problem["detail"]
    if text and (not known or text not in _CLASS_MEANINGS):
        code.messages[text] = None


def _list_error_classes() -> list[type[Exception]]:
    """Return the errors of the use cases, the general ones first."""
    classes = [member for member in vars(errors).values() if isinstance(member, type)]
    return [
        member for member in classes if issubclass(member, errors.ServiceError) and member is not errors.ServiceError
    ]


_CODED_CLASSES = {
    member.__name__: member
    for member in _list_error_classes()
    if "code" in inspect.signature(member.__init__).parameters
}
"""The error classes whose first argument is a code."""
_CLASS_MEANINGS = {clean_docstring(member).splitlines()[0] for member in _list_error_classes()}


def _build_error(error_class: type[Exception], **attributes: Any) -> Exception:
    """Return an instance without calling its constructor, whose parameters differ from class to class."""
    error = error_class.__new__(error_class)
    for name, value in {"faults": (), "code": "", **attributes}.items():
        with suppress(AttributeError):
            setattr(error, name, value)
    return error


@cache
def _find_calls() -> tuple[tuple[str, ast.Call], ...]:
    """Return every call in the server's packages, with the name of the function or class that it calls."""
    trees = [ast.parse(path.read_text()) for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
    return tuple((_get_name(call.func), call) for tree in trees for call in _resolve_calls(tree))


def _resolve_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls in a module; the name of a variable as an argument becomes the text assigned to it above."""
    nodes = sorted((node for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.Call)), key=_get_position)
    texts: dict[str, ast.expr] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() | ast.JoinedStr() as text):
                texts[name] = text
            case ast.Call(args=arguments):
                node.args = [texts.get(getattr(argument, "id", ""), argument) for argument in arguments]
                yield node


def _get_position(node: ast.stmt | ast.Call) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _get_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _list_codes(call: ast.Call, *, positional: bool = True) -> Iterator[tuple[str, str]]:
    """Yield the codes that a call names, each with its message."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    first, second, *_ = [*call.args, None, None] if positional else [None, None]
    code = keywords.get("code", first)
    message = keywords.get("message", keywords.get("detail", second))
    if message is None or not isinstance(code, ast.Constant | ast.JoinedStr):
        return
    text = _read_text(code)
    names = re.findall(r"{(\w+)}", text)
    for value in PLACEHOLDERS[names[0]] if names else [""]:
        fill = dict.fromkeys(names, value)
        yield text.format(**fill), _format_message(_read_text(message).format_map(_Placeholders(fill)))


class _Placeholders(dict[str, str]):
    """Values for the names in a message; `…` for every name without a value."""

    def __missing__(self, name: str) -> str:
        return "…"


def _read_text(text: ast.expr) -> str:
    """Return the text of a string; an expression in it becomes the last of its names, in braces."""
    match text:
        case ast.Constant(value=str(value)):
            return value.replace("{", "{{").replace("}", "}}")
        case ast.JoinedStr(values=values):
            return "".join(_read_text(value) for value in values)
        case ast.FormattedValue(value=value):
            names = re.findall(r"[a-z_]+", ast.unparse(value))
            return f"{{{names[-1] if names else 'value'}}}"
        case _:
            return "{message}"


def _format_message(message: str) -> str:
    return "" if message == "…" else message[:1].upper() + message[1:]


def _get_status(call: ast.Call) -> int:
    """Return the status that is the first argument of a call; 0 if there is none."""
    match call.args[:1]:
        case [ast.Constant(value=int(status))]:
            return int(status)
        case [ast.Attribute(value=ast.Name(id="HTTPStatus"), attr=name)]:
            return int(HTTPStatus[name])
        case _:
            return 0


def _list_http_statuses() -> list[HTTPStatus]:
    """Return the statuses of HTTP exceptions: those that the code raises, and those of the router."""
    raised = {_get_status(call) for name, call in _find_calls() if name == HTTPException.__name__}
    return [HTTPStatus(status) for status in sorted({*raised, 404, 405} - {0})]
