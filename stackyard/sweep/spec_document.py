"""Changes of a job spec at JSON pointers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin

from stackyard.spec.base import SpecModel
from stackyard.spec.reading.json_pointers import format_pointer


class MissingPlaceError(Exception):
    """A path that does not lead into the spec.

    Args:
        segments: The path.
        depth: The number of segments that the spec has.
        container: The last value on the way, as JSON.

    """

    def __init__(self, segments: Sequence[str], depth: int, container: object) -> None:
        super().__init__(f"{'/'.join(segments)} has no place at segment {depth}")
        self.segments = tuple(segments)
        self.depth = depth
        self.container = container


def dump_given(value: object) -> Any:
    """Return a part of a spec as JSON, without the defaults that the client did not write. Short forms become long.

    So a parameter may change the `type` of an object: no default of the former type stays behind.
    """
    match value:
        case SpecModel():
            return {name: dump_given(member) for name, member in _iterate_given(value)}
        case tuple():
            return [dump_given(item) for item in cast("tuple[object, ...]", value)]
        case Mapping():
            return {name: dump_given(member) for name, member in cast("Mapping[str, object]", value).items()}
        case _:
            return value


def _iterate_given(owner: SpecModel) -> Iterator[tuple[str, object]]:
    """Yield the members that the client wrote or that differ from their default, and the one that names the class."""
    for name, default, is_discriminator in _list_fields(type(owner)):
        value = getattr(owner, name)
        if is_discriminator or name in owner.model_fields_set or value != default:
            yield name, value


@cache
def _list_fields(spec_class: type[SpecModel]) -> tuple[tuple[str, object, bool], ...]:
    """Return the name and the default of each field, and whether the field names the class."""
    return tuple(
        (name, field.get_default(), get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1)
        for name, field in spec_class.model_fields.items()
    )


def replace_value(document: Any, resolved: object, segments: Sequence[str], value: object, depth: int = 0) -> Any:
    """Return a copy of a document with another value at a place. It shares all that stays.

    Args:
        document: JSON in which members may be missing, or have a short form.
        resolved: The part of a parsed spec that the document is; None where it is unknown. It has the missing members.
        segments: The path to the value. An object gets a new member if only the last segment is missing.
        value: The new value.
        depth: The number of segments before the document.

    Raises:
        MissingPlaceError: the path does not exist.

    """
    if depth == len(segments):
        return value
    container = cast("Any", document if isinstance(document, dict | list) else dump_given(resolved))
    segment = segments[depth]
    if isinstance(container, dict):
        members = cast("dict[str, Any]", container)
        member = replace_value(members.get(segment), get_member(resolved, segment), segments, value, depth + 1)
        return {**members, segment: member}
    if isinstance(container, list) and _is_index(segment, len(items := cast("list[Any]", container))):
        index = int(segment)
        item = replace_value(items[index], get_member(resolved, segment), segments, value, depth + 1)
        return [*items[:index], item, *items[index + 1 :]]
    raise MissingPlaceError(segments, depth, cast("object", container))


def get_member(value: object, segment: str) -> object:
    """Return the member of a part of a parsed spec, with its default filled in; None where it has none."""
    match value:
        case SpecModel():
            return getattr(value, segment) if segment in type(value).model_fields else None
        case tuple():
            items = cast("tuple[object, ...]", value)
            return items[int(segment)] if _is_index(segment, len(items)) else None
        case Mapping():
            return cast("Mapping[str, object]", value).get(segment)
        case _:
            return None


def list_pointers(document: object, path: tuple[str | int, ...] = ()) -> list[str]:
    """Return the pointers of all members of a JSON document, in its order."""
    members: list[tuple[str | int, object]] = []
    if isinstance(document, dict):
        members = list(cast("dict[str | int, object]", document).items())
    elif isinstance(document, list):
        members = list(enumerate(cast("list[object]", document)))
    pointers: list[str] = []
    for segment, member in members:
        pointers += [format_pointer((*path, segment)), *list_pointers(member, (*path, segment))]
    return pointers


def _is_index(segment: str, length: int) -> bool:
    return segment.isascii() and segment.isdigit() and len(segment) <= len(str(length)) and int(segment) < length
