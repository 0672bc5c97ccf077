"""Say what is wrong with text that is not JSON: the place, the fault, and the fix."""

import json
import re
from collections.abc import Iterator

_YAML = re.compile(r"\s*(?:---\s|#[^\n]*\n|[A-Za-z_][\w-]*:(?:\s|$))")
_PYTHON_LITERALS = {"True": "true", "False": "false", "None": "null"}
_WORD = re.compile(r"[A-Za-z_]\w{0,40}\b")
_MAX_EXCERPT = 20

_Fault = tuple[int, str | None, str | None]
"""The position in the text, what is there, and the fix."""


def describe_syntax_error(error: json.JSONDecodeError) -> tuple[str, str | None]:
    """Return a message with the line and the column, both from 1, and a fix if the fault is a common one."""
    text, position = error.doc, error.pos
    if not text.strip():
        return "expected a JSON object, received nothing", None
    if _YAML.match(text):
        fix = "convert it to JSON: braces around objects, double quotes around keys and text"
        return "expected JSON, received text that looks like YAML", fix
    position, fault, fix = _find_common_fault(text, position)
    line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
    place = f"at line {line}, column {column}"
    return f"expected JSON, received {fault or _quote_excerpt(text, position)} {place}: {_describe(error)}", fix


def _find_common_fault(text: str, position: int) -> _Fault:
    """Return the fault at a position that Python's parser reports, with neither fault nor fix if it is a rare one."""
    return next(_iterate_common_faults(text, position), (position, None, None))


def _iterate_common_faults(text: str, position: int) -> Iterator[_Fault]:
    before, after = text[:position].rstrip(), text[position:]
    word = match.group() if (match := _WORD.match(after)) else ""
    if before.endswith(",") and after[:1] in ("}", "]"):
        yield len(before) - 1, "a comma before a closing bracket", "remove the comma"
    if after[:1] == "," and after[1:].lstrip()[:1] in ("}", "]"):
        yield position, "a comma before a closing bracket", "remove the comma"
    if after[:1] == "'":
        yield position, "a single quote", "use double quotes"
    if after.startswith(("//", "/*", "#")):
        yield position, "a comment", "remove the comment: JSON has none"
    if word in _PYTHON_LITERALS:
        yield position, word, f"write {_PYTHON_LITERALS[word]}"
    if word and after[len(word) :].lstrip().startswith(":"):
        yield position, f"the key {word} without quotes", f'write "{word}"'
    if not after.strip():
        yield len(text.rstrip()), "the end of the text", "close every brace, bracket and quote"
    if after[:1] == '"' and before[-1:] not in ("{", "[", ",", ":", ""):
        yield position, "a string", "put a comma before it"


def _quote_excerpt(text: str, position: int) -> str:
    excerpt = text[position : position + _MAX_EXCERPT].split("\n", 1)[0]
    return json.dumps(excerpt, ensure_ascii=True)


def _describe(error: json.JSONDecodeError) -> str:
    """Return Python's description of the fault in lower case, without a place of its own."""
    return error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
