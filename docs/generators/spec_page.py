"""Builds the page on the spec language, from the types of the language."""

import inspect
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from docs.generators.docstrings import clean_docstring, read_attribute_docstrings
from docs.generators.markdown import escape_cell, format_generated_note, format_table
from docs.generators.spec_intro import EXAMPLES, INTRODUCTION, SCHEMA
from docs.generators.type_descriptions import describe_type, format_json, format_value
from stackyard import spec
from stackyard.spec import layers
from stackyard.spec.base import SpecModel
from stackyard.spec.data import data, imputation, split
from stackyard.spec.layers.base import LayerBase, NamedLayer
from stackyard.spec.network import activations, constraints, initializers, network, regularizers
from stackyard.spec.tagged_union import TaggedUnion
from stackyard.spec.training import callbacks, class_weight, losses, metrics, optimizers, run, schedules, training

TAGS = ("type", "method", "strategy")
"""The arguments that name the member of a union; a section's heading shows their value."""


def build_spec_page() -> str:
    """Return the page."""
    introduction = INTRODUCTION.format(note=format_generated_note("the types in `stackyard/spec`"))
    return "\n\n".join(filter(None, [introduction, *_list_sections()])) + "\n"


def _list_sections() -> Iterator[str]:
    yield "## Job"
    yield from _build_part_section(spec.JobSpec)
    yield from _build_data_sections()
    yield from _build_network_sections()
    yield from _build_training_sections()
    yield f"## Runs\n\n{clean_docstring(run)}"
    yield from _build_part_section(run.Run)
    yield from _build_limit_section()
    yield SCHEMA


def _build_data_sections() -> Iterator[str]:
    yield f"## Data\n\n{_get_union_docstring(data, 'Data')}"
    for part in (data.TableData, data.Features, data.TableTarget):
        yield from _build_part_section(part)
    yield f"### Transforms\n\n{_get_union_docstring(data, 'Transform')}"
    yield from _build_union_table("Imputations", imputation, "Imputation")
    for part in (data.ArrayData, data.ArrayPair, data.ArrayTarget, data.Normalize):
        yield from _build_part_section(part)
    yield "## Splits"
    yield from _build_part_section(spec.Split)
    yield from _build_union_sections("Split methods", split, "SplitMethod")


def _build_network_sections() -> Iterator[str]:
    yield "## Networks"
    yield from _build_part_section(network.Network)
    yield from _build_layer_sections()
    yield from _build_union_table("Initializers", initializers, "Initializer")
    yield from _build_union_table("Regularizers", regularizers, "Regularizer")
    yield from _build_union_table("Constraints", constraints, "Constraint")
    yield f"### Activations\n\n{clean_docstring(activations)}\n\n{_get_union_docstring(activations, 'Activation')}"
    yield ", ".join(f"`{name}`" for name in get_args(activations.Activation)) + "."


def _build_training_sections() -> Iterator[str]:
    yield "## Trainings"
    yield from _build_part_section(training.Training)
    yield f"### Class weights\n\n{_get_union_docstring(class_weight, 'ClassWeight')}"
    yield _format_example("ClassWeight")
    yield from _build_union_sections("Optimizers", optimizers, "Optimizer")
    yield from _build_union_sections("Schedules", schedules, "Schedule")
    yield from _build_union_table("Losses", losses, "Loss")
    yield from _build_union_table("Metrics", metrics, "Metric")
    yield from _build_union_sections("Callbacks", callbacks, "Callback")


def _build_layer_sections() -> Iterator[str]:
    yield f"### Layers\n\n{_get_union_docstring(layers, 'Layer')}"
    yield _format_aliases(layers.Layer)
    yield _format_example("Layer")
    yield "Every layer takes these, except that `SpatialDropout` has no `trainable`:"
    yield _format_arguments(LayerBase, [])
    for module, members in groupby(_list_members(layers.Layer), key=inspect.getmodule):
        if module is not None:
            yield f"### {clean_docstring(module).partition('.')[0]}"
            yield from _build_member_sections(list(members), known={NamedLayer, LayerBase})


def _build_union_sections(title: str, module: ModuleType, union: str) -> Iterator[str]:
    """Yield the section of a union, and a section for each member."""
    yield f"### {title}\n\n{clean_docstring(module)}\n\n{_get_union_docstring(module, union)}".strip()
    yield _format_aliases(getattr(module, union))
    yield _format_example(union)
    yield from _build_member_sections(_list_members(getattr(module, union)), known=set())


def _build_union_table(title: str, module: ModuleType, union: str) -> Iterator[str]:
    """Yield the section of a union, with a table of its members."""
    members = _list_members(getattr(module, union))
    shared = (base for base in _list_bases(members[0]) if all(base in _list_bases(member) for member in members))
    common = next(shared, None)
    yield f"### {title}\n\n{clean_docstring(module)}\n\n{_get_union_docstring(module, union)}".strip()
    yield _format_aliases(getattr(module, union))
    yield _format_example(union)
    if common is not None:
        yield f"{clean_docstring(common)}\n\n{_format_arguments(common, [])}"
    hidden = () if common is None else tuple(common.model_fields)
    rows = [(f"`{_get_tag(part)}`", clean_docstring(part), _format_inline_arguments(part, hidden)) for part in members]
    yield format_table(("name", "meaning", "arguments and defaults"), rows)


def _build_member_sections(parts: list[type[SpecModel]], known: set[type[SpecModel]]) -> Iterator[str]:
    """Yield a section for each part; arguments that several share get a section before the first of them."""
    yield " · ".join(f"[{_get_tag(part)}](#{_build_anchor(_get_tag(part))})" for part in parts)
    for part in parts:
        bases = [base for base in _list_bases(part) if base not in known]
        for base in bases:
            known.add(base)
            if base not in parts:
                yield f"#### {_get_title(base)}"
                yield clean_docstring(base).removeprefix(_get_title(base)).lstrip(".:; ").strip()
                yield _format_arguments(base, _list_bases(base))
        yield from _build_part_section(part, level=4)
        for inner in _list_inner_parts(part):
            yield from _build_part_section(inner, level=4)


def _build_part_section(part: type[SpecModel], level: int = 3) -> Iterator[str]:
    above = [base for base in _list_bases(part) if base not in {NamedLayer, LayerBase}]
    yield f"{'#' * level} {_get_tag(part)}\n\n{clean_docstring(part)}"
    if above:
        links = (f"[{_get_title(base)}](#{_build_anchor(_get_title(base))})" for base in above)
        yield f"Also takes: {', '.join(links)}."
    yield _format_arguments(part, _list_bases(part))
    yield _format_example(part.__name__)


def _format_arguments(part: type[SpecModel], above: list[type[SpecModel]]) -> str:
    """Return the table of the arguments that a part has and the parts above it lack."""
    rows = [
        (f"`{name}`", takes, default)
        for name, takes, default in _list_fields(part)
        if not any(_is_inherited(part, base, name) for base in above)
    ]
    return format_table(("argument", "takes", "default"), rows) if rows else ""


def _format_inline_arguments(part: type[SpecModel], hidden: Iterable[str]) -> str:
    phrases = [f"`{name}`, {default}: {takes}" for name, takes, default in _list_fields(part) if name not in hidden]
    return "<br>".join(phrases)


def _list_fields(part: type[SpecModel]) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(part, include_extras=True)
    for name, field in part.model_fields.items():
        if name not in TAGS and hints[name] is not Any:
            yield name, escape_cell(describe_type(hints[name])), _format_default(name, field)


def _format_default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "chosen by Keras" if name == "name" else "**required**"
    return escape_cell(format_value(field.get_default(call_default_factory=True)))


def _is_inherited(part: type[SpecModel], base: type[SpecModel], name: str) -> bool:
    """Return whether an argument has the type and the default that it has in the base."""
    if name not in base.model_fields:
        return False
    fields = part.model_fields[name], base.model_fields[name]
    hints = (get_type_hints(cls, include_extras=True)[name] for cls in (part, base))
    return fields[0].get_default() == fields[1].get_default() and len({repr(hint) for hint in hints}) == 1


def _build_limit_section() -> Iterator[str]:
    yield f"## Limits\n\n{clean_docstring(spec.Limits)}"
    yield "These are the defaults. An operator changes them by [settings](settings.md)."
    fields = spec.Limits.model_fields.items()
    rows = [(f"`{name}`", field.description, f"{field.default:,}") for name, field in fields]
    yield format_table(("limit", "bounds", "default"), rows)


def _list_members(union: Any) -> list[type[SpecModel]]:
    """Return the members of a closed union."""
    members = get_args(union)[0] if get_origin(union) is Annotated else union
    return [
        part for member in get_args(members) for part in ([member] if isinstance(member, type) else get_args(member))
    ]


def _format_aliases(union: Any) -> str:
    closed = next(note for note in get_args(union)[1:] if isinstance(note, TaggedUnion))
    names = {
        alias: _get_tag(part)
        for part in _list_members(union)
        for alias in closed.list_spellings(_get_tag(part))
        if alias in closed.aliases
    }
    if not names:
        return ""
    return "Other names: " + ", ".join(f"`{alias}` for `{tag}`" for alias, tag in names.items()) + "."


def _list_bases(part: type[SpecModel]) -> list[type[SpecModel]]:
    """Return the public classes that a part extends, the nearest first."""
    return [
        base
        for base in part.__mro__[1:]
        if issubclass(base, SpecModel) and base is not SpecModel and not base.__name__.startswith("_")
    ]


def _list_inner_parts(part: type[SpecModel]) -> list[type[SpecModel]]:
    """Return the parts that arguments of this part take and that belong to no union."""
    types = [get_args(hint) or (hint,) for hint in get_type_hints(part, include_extras=True).values()]
    return [
        inner for members in types for inner in members if isinstance(inner, type) and issubclass(inner, SpecModel)
    ]


def _get_tag(part: type[SpecModel]) -> str:
    fields = (part.model_fields[name].default for name in TAGS if name in part.model_fields)
    return next((tag for tag in fields if isinstance(tag, str)), part.__name__)


def _get_title(base: type[SpecModel]) -> str:
    """Return the heading of a base: the start of its docstring, or its name where it is a member itself."""
    return re.split("[.:;]", clean_docstring(base))[0] if base.__name__.endswith("Base") else _get_tag(base)


def _get_union_docstring(module: ModuleType, name: str) -> str:
    return read_attribute_docstrings(module).get(name, "")


def _format_example(name: str) -> str:
    if name not in EXAMPLES:
        return ""
    return f"```json\n{format_json(EXAMPLES[name])}\n```"


def _build_anchor(title: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
