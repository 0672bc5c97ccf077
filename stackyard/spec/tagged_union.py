"""Unions of spec classes that select the class directly, without trying each member.

Pydantic puts the tag of the selected member into the location of an error. The tags here start with a character that
no key of a decoded document contains, so the rest of a location leads into the document unambiguously.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, cast, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from stackyard.spec.base import Axes, SpecModel, build_validation_error, record_spec_class
from stackyard.spec.reading.faults import format_value
from stackyard.spec.suggestions import (
    MAX_SUGGESTED_NAMES,
    find_similar_names,
    format_expected_names,
    normalize_name,
)

TAG_PREFIX = "\0"
_WORD_BOUNDARY = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][0-9])")
"""Where Keras inserts an underscore into a class name: `conv1d_transpose`, `l1_l2`."""


class TaggedUnion:
    """Marks a union whose members a tag tells apart: `Annotated[A | B, TaggedUnion("a layer")]`.

    A bare string stands for the member of that name with every default. Names are compared without case and
    underscores, and `aliases` are further names, so Keras's own short forms work.

    Args:
        label: A singular noun with its article, for messages and for the name in the JSON Schema.
        discriminator: The field that holds the tag.
        aliases: Tags by their further names.
        allow_bare_names: Whether a string may stand for a member.
        keep_name: Whether such a string also becomes the member's `name`, as Keras names a metric that was given as
            a string.
        not_offered: Reasons by the names of classes that Keras has and the union has not.

    """

    def __init__(
        self,
        label: str,
        *,
        discriminator: str = "type",
        aliases: Mapping[str, str] | None = None,
        allow_bare_names: bool = True,
        keep_name: bool = False,
        not_offered: Mapping[str, str] | None = None,
    ) -> None:
        self.label = label
        self._discriminator = discriminator
        self.aliases = aliases or {}
        self._allow_bare_names = allow_bare_names
        self._keep_name = keep_name
        self.not_offered = {normalize_name(name): reason for name, reason in (not_offered or {}).items()}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        classes = cast("tuple[type[SpecModel], ...]", get_args(source) or (source,))
        members = {self._get_tag(member): member for member in classes}
        tags = {normalize_name(tag): tag for tag in members}
        tags |= {normalize_name(alias): tag for alias, tag in self.aliases.items()}

        def expand(value: object, info: ValidationInfo[Any]) -> object:
            return self._expand(value, members, tags, info)

        tagged = core_schema.tagged_union_schema(
            {TAG_PREFIX + tag: handler.generate_schema(member) for tag, member in members.items()},
            self._select_member,
        )

        def describe(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
            return handler(schema) if handler.mode == "serialization" else self._build_json_schema(members, handler)

        # An own reference makes one shared definition of a union that many arguments take, in both kinds of schema.
        reference = f"{__name__}.{self._schema_name}:{id(self)}"
        metadata = {"pydantic_js_functions": [describe]}
        return core_schema.with_info_before_validator_function(expand, tagged, ref=reference, metadata=metadata)

    def list_spellings(self, tag: str) -> tuple[str, ...]:
        """Return Keras's own names for a member: first the tag itself, then the variants in case and underscores."""
        aliases = (alias for alias, target in self.aliases.items() if target == tag)
        return tuple(dict.fromkeys((tag, _WORD_BOUNDARY.sub("_", tag).lower(), tag.lower(), *aliases)))

    @property
    def _schema_name(self) -> str:
        """The name of the union in a JSON Schema: `SplitMethod` for `a split method`."""
        return "".join(word.capitalize() for word in self.label.split()[1:])

    def _list_bare_names(self, members: Iterable[type[SpecModel]]) -> list[str]:
        if not self._allow_bare_names:
            return []
        optional = [
            member for member in members if not any(field.is_required() for field in member.model_fields.values())
        ]
        return [name for member in optional for name in self.list_spellings(self._get_tag(member))]

    def _build_json_schema(
        self, members: Mapping[str, type[SpecModel]], handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # From the members' complete schemas, so that each is a definition by now and can be extended by its tags.
        complete = {tag: member.__pydantic_core_schema__ for tag, member in members.items()}
        objects = handler(core_schema.tagged_union_schema(complete, self._discriminator))
        for tag, member_schema in zip(members, objects["oneOf"], strict=True):
            self._add_spellings(handler.resolve_ref_schema(member_schema), self.list_spellings(tag))
        bare_names = self._list_bare_names(members.values())
        description = (
            "Short for the object of that name with every default. The server ignores case and underscores in it."
        )
        bare = {"type": "string", "enum": bare_names, "description": description}
        return {"anyOf": [objects, bare]} if bare_names else objects

    def _add_spellings(self, member_schema: JsonSchemaValue, spellings: tuple[str, ...]) -> None:
        tag_schema = member_schema["properties"][self._discriminator]
        # A class may be a member of several unions, each with its own names.
        earlier = tag_schema.pop("enum", [tag_schema.pop("const", spellings[0])])
        tag_schema["enum"] = list(dict.fromkeys([*earlier, *spellings]))
        member_schema["required"] = list(dict.fromkeys([self._discriminator, *member_schema.get("required", [])]))

    def _get_tag(self, member: type[SpecModel]) -> str:
        return member.model_fields[self._discriminator].default

    def _select_member(self, value: object) -> str | None:
        if isinstance(value, dict):
            return f"{TAG_PREFIX}{cast('dict[str, object]', value)[self._discriminator]}"
        return f"{TAG_PREFIX}{getattr(value, self._discriminator, None)}"

    def _expand(
        self,
        value: object,
        members: Mapping[str, type[SpecModel]],
        tags: Mapping[str, str],
        info: ValidationInfo[Any],
    ) -> object:
        """Return `value` as a member or as an object with an exact tag; raise a validation error if it is neither."""
        if isinstance(value, str) and self._allow_bare_names:
            tag = self._resolve_tag(value, tags)
            return {self._discriminator: tag, "name": value} if self._keep_name else {self._discriminator: tag}
        if isinstance(value, SpecModel) and type(value) in members.values():
            return value
        if not isinstance(value, dict):
            bare = ", or its name as a string" if self._allow_bare_names else ""
            key, received = format_value(self._discriminator), format_value(value)
            message = f"expected {self.label}: an object with a {key}{bare}; received {received}"
            raise build_validation_error(message)
        document = cast("dict[str, object]", value)
        if self._discriminator not in document:
            raise build_validation_error(
                f"expected {self.label} with a {format_value(self._discriminator)}, {format_expected_names(members)}"
            )
        tag = self._resolve_tag(document[self._discriminator], tags, self._discriminator)
        record_spec_class(document, members[tag], info)
        return {**document, self._discriminator: tag}

    def _resolve_tag(self, name: object, tags: Mapping[str, str], *location: str) -> str:
        if isinstance(name, str) and normalize_name(name) in tags:
            return tags[normalize_name(name)]
        choices = list(dict.fromkeys(tags.values()))
        if isinstance(name, str) and (reason := self.not_offered.get(normalize_name(name))):
            message = f"expected {self.label}, received {format_value(name)}, which is not offered"
            raise build_validation_error(message, *location, fix=reason)
        find_similar = None
        if isinstance(name, str):
            find_similar = partial(find_similar_names, name, [*choices, *self.aliases], MAX_SUGGESTED_NAMES)
        message = f"expected {self.label}, {format_expected_names(choices)}; received {format_value(name)}"
        raise build_validation_error(message, *location, find_similar=find_similar)


class UntaggedUnion:
    """Marks a union whose members the form of the JSON value tells apart.

    Args:
        select_member: Returns the position of the member that reads a value.

    """

    def __init__(self, select_member: Callable[[object], int]) -> None:
        self._select_member = select_member

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.tagged_union_schema(
            {f"{TAG_PREFIX}{index}": handler.generate_schema(member) for index, member in enumerate(get_args(source))},
            lambda value: f"{TAG_PREFIX}{self._select_member(value)}",
        )


ONE_OR_MANY = UntaggedUnion(lambda value: int(isinstance(value, list | tuple)))
"""For `Annotated[X | JsonArray[X], ONE_OR_MANY]`."""

OneOrMoreAxes = Annotated[int | Axes, ONE_OR_MANY]
"""One axis, or several."""
