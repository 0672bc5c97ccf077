"""Closed unions: which of a few parts an object is, found without trying each of them.

Pydantic puts the tag of the member that it chose into an error's location. The tags here start with a character that
no key of a decoded document can hold, so that a location leads back into the document without guessing.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from stackyard.spec.base import Part, refusal, remember
from stackyard.spec.reading.faults import say

MARK = "\0"
_HUMP = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][0-9])")
"""Where Keras puts an underscore: `conv1d_transpose`, `l1_l2`."""


def squash(name: str) -> str:
    """Return `name` as it is compared: `mean_absolute_error` is `MeanAbsoluteError` is `meanabsoluteerror`."""
    return name.replace("_", "").lower()


def suggest(wrong: str, names: Iterable[str]) -> str | None:
    """Return a fix that names what was probably meant, or None where nothing is near."""
    by_key = {squash(name): name for name in names}
    near = difflib.get_close_matches(squash(wrong)[:100], by_key, n=1)
    return f"did you mean {say(by_key[near[0]])}?" if near else None


class Closed:
    """Marks a union of parts that a field of theirs tells apart: `Annotated[A | B, Closed("a layer")]`.

    A bare string stands for the part of that name with every default. Names are compared without case and
    underscores, and `aliases` are further names; so Keras's own short forms work. With `named`, the string also
    becomes the part's `name`, as Keras calls a metric by the string that asked for it.
    """

    def __init__(
        self,
        what: str,
        *,
        by: str = "type",
        aliases: Mapping[str, str] | None = None,
        bare: bool = True,
        named: bool = False,
    ) -> None:
        self.what = what
        self._by = by
        self.aliases = aliases or {}
        self._bare = bare
        self._named = named

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        parts = {self._tag(part): part for part in cast("tuple[type[Part], ...]", get_args(source) or (source,))}
        names = {squash(tag): tag for tag in parts} | {squash(alias): tag for alias, tag in self.aliases.items()}

        def expand(value: object, info: ValidationInfo[Any]) -> object:
            return self._expand(value, parts, names, info)

        tagged = core_schema.tagged_union_schema(
            {MARK + tag: handler.generate_schema(part) for tag, part in parts.items()}, self._mark
        )

        def describe(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
            return handler(schema) if handler.mode == "serialization" else self._json_schema(parts, handler)

        # A reference of its own makes one definition of a union that many arguments take, in both kinds of schema.
        reference = f"{__name__}.{self.name}:{id(self)}"
        metadata = {"pydantic_js_functions": [describe]}
        return core_schema.with_info_before_validator_function(expand, tagged, ref=reference, metadata=metadata)

    @property
    def name(self) -> str:
        """What a schema calls the union: `SplitMethod` of `a split method`."""
        return "".join(word.capitalize() for word in self.what.split()[1:])

    def spellings(self, tag: str) -> tuple[str, ...]:
        """The names of a part that Keras itself has for it, its own first. Case and underscores do not matter."""
        others = (alias for alias, meant in self.aliases.items() if meant == tag)
        return tuple(dict.fromkeys((tag, _HUMP.sub("_", tag).lower(), tag.lower(), *others)))

    def short(self, parts: Iterable[type[Part]]) -> tuple[type[Part], ...]:
        """Those of the parts that their bare name can stand for."""
        return tuple(part for part in parts if self._bare and not any(map(_is_required, part.model_fields.values())))

    def _json_schema(self, parts: Mapping[str, type[Part]], handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # By the parts' whole schemas, so that each is a definition by now and can be told apart in it.
        whole = {tag: part.__pydantic_core_schema__ for tag, part in parts.items()}
        objects = handler(core_schema.tagged_union_schema(whole, self._by))
        for tag, member in zip(parts, objects["oneOf"], strict=True):
            self._tell_apart(handler.resolve_ref_schema(member), self.spellings(tag))
        short = [name for part in self.short(parts.values()) for name in self.spellings(self._tag(part))]
        note = (
            "Short for the object of that name with every default. Case and underscores do not matter to the server."
        )
        bare = {"type": "string", "enum": short, "description": note}
        return {"anyOf": [objects, bare]} if short else objects

    def _tell_apart(self, member: JsonSchemaValue, spellings: tuple[str, ...]) -> None:
        tag = member["properties"][self._by]
        # A part may be in several unions, each with names of its own.
        known = tag.pop("enum", [tag.pop("const", spellings[0])])
        tag["enum"] = list(dict.fromkeys([*known, *spellings]))
        member["required"] = list(dict.fromkeys([self._by, *member.get("required", [])]))

    def _tag(self, part: type[Part]) -> str:
        return part.model_fields[self._by].default

    def _mark(self, value: object) -> str | None:
        name = (
            cast("dict[str, object]", value)[self._by] if isinstance(value, dict) else getattr(value, self._by, None)
        )
        return f"{MARK}{name}"

    def _expand(
        self,
        value: object,
        parts: Mapping[str, type[Part]],
        names: Mapping[str, str],
        info: ValidationInfo[Any],
    ) -> object:
        if isinstance(value, str) and self._bare:
            tag = self._resolve(value, names, ())
            return {self._by: tag, "name": value} if self._named else {self._by: tag}
        if isinstance(value, Part) and type(value) in parts.values():
            return value
        if not isinstance(value, dict):
            short = ", or its name as a string" if self._bare else ""
            message = f"expected {self.what}: an object with a {say(self._by)}{short}; received {say(value)}"
            raise refusal(message)
        given = cast("dict[str, object]", value)
        if self._by not in given:
            raise refusal(f"expected {self.what} with a {say(self._by)}, one of {', '.join(parts)}")
        tag = self._resolve(given[self._by], names, (self._by,))
        remember(given, parts[tag], info)
        return {**given, self._by: tag}

    def _resolve(self, name: object, names: Mapping[str, str], at: tuple[str, ...]) -> str:
        if isinstance(name, str) and squash(name) in names:
            return names[squash(name)]
        known = list(dict.fromkeys(names.values()))
        near = partial(suggest, name, [*known, *self.aliases]) if isinstance(name, str) else None
        raise refusal(f"expected {self.what}, one of {', '.join(known)}; received {say(name)}", *at, fix=near)


def _is_required(field: FieldInfo) -> bool:
    return field.is_required()


class Chosen:
    """Marks a union whose members the shape of the JSON value tells apart: `choose` gives the member's position."""

    def __init__(self, choose: Callable[[object], int]) -> None:
        self._choose = choose

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.tagged_union_schema(
            {f"{MARK}{index}": handler.generate_schema(member) for index, member in enumerate(get_args(source))},
            lambda value: f"{MARK}{self._choose(value)}",
        )


ONE_OR_MANY = Chosen(lambda value: int(isinstance(value, list | tuple)))
"""For `Annotated[X | Items[X], ONE_OR_MANY]`."""
