"""Writes `docs/spec.md` out of the types of the spec language: `make docs`."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from docs.passages import EXAMPLES, INTRODUCTION, SCHEMA
from docs.words import lay_out, say_type, say_value
from stackyard import spec
from stackyard.spec import layers
from stackyard.spec.base import Part
from stackyard.spec.data import data, imputation, split
from stackyard.spec.layers.base import LayerBase, NamedLayer
from stackyard.spec.network import activations, constraints, initializers, network, regularizers
from stackyard.spec.tagged_union import Closed
from stackyard.spec.training import callbacks, class_weight, losses, metrics, optimizers, run, schedules, training

PAGE = Path(__file__).with_name("spec.md")
TAGS = ("type", "method", "strategy")
"""The arguments that say which part of a union an object is: they stand in its heading."""


def main() -> None:
    """Write the page."""
    PAGE.write_text(spec_page(), encoding="utf-8")


def spec_page() -> str:
    """Return the whole page."""
    body = "\n\n".join(filter(None, _sections()))
    return f"{INTRODUCTION}\n\n{_contents(body)}\n\n{body}\n"


def _sections() -> Iterator[str]:
    yield "## The whole"
    yield from _part(spec.JobSpec)
    yield from _data()
    yield from _networks()
    yield from _trainings()
    yield f"## Runs\n\n{_doc(run)}"
    yield from _part(run.Run)
    yield from _limits()
    yield SCHEMA


def _data() -> Iterator[str]:
    yield f"## Data\n\n{_note(data, 'Data')}"
    for part in (data.TableData, data.Features, data.TableTarget):
        yield from _part(part)
    yield f"### Transforms\n\n{_note(data, 'Transform')}"
    yield from _table("Imputations", imputation, "Imputation")
    for part in (data.ArrayData, data.ArrayPair, data.ArrayTarget, data.Normalize):
        yield from _part(part)
    yield "## Splits"
    yield from _part(spec.Split)
    yield from _list("Split methods", split, "SplitMethod")


def _networks() -> Iterator[str]:
    yield "## Networks"
    yield from _part(network.Network)
    yield from _layers()
    yield from _table("Initializers", initializers, "Initializer")
    yield from _table("Regularizers", regularizers, "Regularizer")
    yield from _table("Constraints", constraints, "Constraint")
    yield f"### Activations\n\n{_doc(activations)}\n\n{_note(activations, 'Activation')}"
    yield ", ".join(f"`{name}`" for name in get_args(activations.Activation)) + "."


def _trainings() -> Iterator[str]:
    yield "## Trainings"
    yield from _part(training.Training)
    yield f"### Class weights\n\n{_note(class_weight, 'ClassWeight')}"
    yield _example("ClassWeight")
    yield from _list("Optimizers", optimizers, "Optimizer")
    yield from _list("Schedules", schedules, "Schedule")
    yield from _table("Losses", losses, "Loss")
    yield from _table("Metrics", metrics, "Metric")
    yield from _list("Callbacks", callbacks, "Callback")


def _layers() -> Iterator[str]:
    yield f"### Layers\n\n{_note(layers, 'Layer')}"
    yield _aliases(layers.Layer)
    yield _example("Layer")
    yield f"Every layer takes these, but for `SpatialDropout` without `trainable`:\n\n{_arguments(LayerBase, [])}"
    for module, members in groupby(_members(layers.Layer), key=inspect.getmodule):
        if module is not None:
            yield f"### {_doc(module).partition('.')[0]}"
            yield from _family(list(members), known={NamedLayer, LayerBase})


def _list(title: str, module: ModuleType, union: str) -> Iterator[str]:
    """A union whose parts have a section each."""
    yield f"### {title}\n\n{_doc(module)}\n\n{_note(module, union)}".strip()
    yield _aliases(getattr(module, union))
    yield _example(union)
    yield from _family(_members(getattr(module, union)), known=set())


def _table(title: str, module: ModuleType, union: str) -> Iterator[str]:
    """A union whose parts have a row each."""
    members = _members(getattr(module, union))
    common = next((base for base in _bases(members[0]) if all(base in _bases(member) for member in members)), None)
    yield f"### {title}\n\n{_doc(module)}\n\n{_note(module, union)}".strip()
    yield _aliases(getattr(module, union))
    yield _example(union)
    if common is not None:
        yield f"{_doc(common)}\n\n{_arguments(common, [])}"
    hidden = () if common is None else tuple(common.model_fields)
    rows = [f"| `{_tag(part)}` | {_line(_doc(part))} | {_inline(part, hidden)} |" for part in members]
    yield "\n".join(["| part | means | arguments, defaults |", "| --- | --- | --- |", *rows])


def _family(parts: list[type[Part]], known: set[type[Part]]) -> Iterator[str]:
    """Parts one after the other, and what several of them take once, before the first of them."""
    yield " · ".join(f"[{_tag(part)}](#{_anchor(_tag(part))})" for part in parts)
    for part in parts:
        bases = [base for base in _bases(part) if base not in known]
        for base in bases:
            known.add(base)
            if base not in parts:
                yield f"#### {_title(base)}"
                yield _doc(base).removeprefix(_title(base)).lstrip(".:; ").strip()
                yield _arguments(base, _bases(base))
        yield from _part(part, level=4)
        for inner in _inner(part):
            yield from _part(inner, level=4)


def _part(part: type[Part], level: int = 3) -> Iterator[str]:
    above = [base for base in _bases(part) if base not in {NamedLayer, LayerBase}]
    yield f"{'#' * level} {_tag(part)}\n\n{_doc(part)}"
    if above:
        yield "Takes also: " + ", ".join(f"[{_title(base)}](#{_anchor(_title(base))})" for base in above) + "."
    yield _arguments(part, _bases(part))
    yield _example(part.__name__)


def _arguments(part: type[Part], above: list[type[Part]]) -> str:
    """The table of what a part takes beyond the parts above it."""
    rows = [
        f"| `{name}` | {say} | {default} |"
        for name, say, default in _fields(part)
        if not any(_same(part, base, name) for base in above)
    ]
    return "\n".join(["| argument | takes | default |", "| --- | --- | --- |", *rows]) if rows else ""


def _inline(part: type[Part], hidden: Iterable[str]) -> str:
    said = [f"`{name}`, {default}: {say}" for name, say, default in _fields(part) if name not in hidden]
    return "<br>".join(said)


def _fields(part: type[Part]) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(part, include_extras=True)
    for name, field in part.model_fields.items():
        if name not in TAGS and hints[name] is not Any:
            yield name, _cell(say_type(hints[name])), _default(name, field)


def _default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "Keras's own" if name == "name" else "**needed**"
    return _cell(say_value(field.get_default(call_default_factory=True)))


def _same(part: type[Part], base: type[Part], name: str) -> bool:
    """Whether an argument is the base's own, type and default."""
    if name not in base.model_fields:
        return False
    mine, its = part.model_fields[name], base.model_fields[name]
    hints = (get_type_hints(cls, include_extras=True)[name] for cls in (part, base))
    return mine.get_default() == its.get_default() and len({repr(hint) for hint in hints}) == 1


def _limits() -> Iterator[str]:
    yield f"## Limits\n\n{_doc(spec.Limits)} An operator sets them; these are the defaults."
    fields = spec.Limits.model_fields.items()
    rows = [f"| `{name}` | {field.description} | {field.default:,} |" for name, field in fields]
    yield "\n".join(["| limit | bounds | default |", "| --- | --- | --- |", *rows])


def _members(union: Any) -> list[type[Part]]:
    """The parts of a closed union."""
    members = get_args(union)[0] if get_origin(union) is Annotated else union
    return [
        part for member in get_args(members) for part in ([member] if isinstance(member, type) else get_args(member))
    ]


def _aliases(union: Any) -> str:
    closed = next(note for note in get_args(union)[1:] if isinstance(note, Closed))
    names = {
        alias: _tag(part)
        for part in _members(union)
        for alias in closed.spellings(_tag(part))
        if alias in closed.aliases
    }
    if not names:
        return ""
    return "Further names: " + ", ".join(f"`{alias}` for `{tag}`" for alias, tag in names.items()) + "."


def _bases(part: type[Part]) -> list[type[Part]]:
    """The public parts that a part extends, the nearest first."""
    return [
        base
        for base in part.__mro__[1:]
        if issubclass(base, Part) and base is not Part and not base.__name__.startswith("_")
    ]


def _inner(part: type[Part]) -> list[type[Part]]:
    """The parts that arguments of this one take and that are of no union."""
    types = [get_args(hint) or (hint,) for hint in get_type_hints(part, include_extras=True).values()]
    return [inner for members in types for inner in members if isinstance(inner, type) and issubclass(inner, Part)]


def _tag(part: type[Part]) -> str:
    fields = (part.model_fields[name].default for name in TAGS if name in part.model_fields)
    return next((tag for tag in fields if isinstance(tag, str)), part.__name__)


def _title(base: type[Part]) -> str:
    """`What every optimizer takes`; a part that others extend keeps its name."""
    return re.split("[.:;]", _doc(base))[0] if base.__name__.endswith("Base") else _tag(base)


@cache
def _notes(module: ModuleType) -> dict[str, str]:
    """The strings that stand below a module's assignments, by the assigned name."""
    body = ast.parse(inspect.getsource(module)).body
    return {
        target.id: inspect.cleandoc(below.value.value)
        for above, below in pairwise(body)
        if isinstance(above, ast.Assign)
        and isinstance(target := above.targets[0], ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _note(module: ModuleType, name: str) -> str:
    return _notes(module).get(name, "")


def _doc(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


def _example(name: str) -> str:
    if name not in EXAMPLES:
        return ""
    return f"```json\n{lay_out(EXAMPLES[name])}\n```"


def _line(text: str) -> str:
    return _cell(" ".join(text.split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(title: str) -> str:
    """Where a heading is found, as GitHub names it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _contents(body: str) -> str:
    headings = re.findall(r"^(##|###) (.+)$", body, re.MULTILINE)
    return "\n".join(f"{'  ' * (len(marks) - 2)}- [{title}](#{_anchor(title)})" for marks, title in headings)


if __name__ == "__main__":
    main()
