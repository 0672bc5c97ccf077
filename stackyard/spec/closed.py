"""Closed unions: which of a few parts an object is, found without trying each of them.

Pydantic puts the tag of the member that it chose into an error's location. The tags here start with a character that
no key of a decoded document can hold, so that a location leads back into the document without guessing.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from stackyard.spec.base import Part, refusal, remember
from stackyard.spec.problems import say

MARK = "\0"


def squash(name: str) -> str:
    """Return `name` as it is compared: `mean_absolute_error` is `MeanAbsoluteError` is `meanabsoluteerror`."""
    return name.replace("_", "").lower()


def suggest(wrong: str, names: Iterable[str]) -> str:
    """Return a question that names what was probably meant, or nothing where nothing is near."""
    by_key = {squash(name): name for name in names}
    near = difflib.get_close_matches(squash(wrong)[:100], by_key, n=1)
    return f"; did you mean {say(by_key[near[0]])}?" if near else ""


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
        self._what = what
        self._by = by
        self._aliases = aliases or {}
        self._bare = bare
        self._named = named

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        parts = {self._tag(part): part for part in cast("tuple[type[Part], ...]", get_args(source) or (source,))}
        names = {squash(tag): tag for tag in parts} | {squash(alias): tag for alias, tag in self._aliases.items()}

        def expand(value: object, info: ValidationInfo[Any]) -> object:
            return self._expand(value, parts, names, info)

        tagged = core_schema.tagged_union_schema(
            {MARK + tag: handler.generate_schema(part) for tag, part in parts.items()}, self._mark
        )
        return core_schema.with_info_before_validator_function(expand, tagged)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        objects = handler(schema)
        if not self._bare or handler.mode == "serialization":
            return objects
        inner = cast("Any", schema)["schema"]["choices"]
        names = sorted({tag.removeprefix(MARK) for tag in inner} | set(self._aliases))
        note = "Short for the object of that type with every default; case and underscores do not matter."
        return {"anyOf": [objects, {"type": "string", "examples": names, "description": note}]}

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
        if isinstance(value, tuple(parts.values())):
            return value
        if isinstance(value, str) and self._bare:
            tag = self._resolve(value, names, ())
            return {self._by: tag, "name": value} if self._named else {self._by: tag}
        if not isinstance(value, dict):
            short = ", or its name as a string" if self._bare else ""
            message = f"expected {self._what}: an object with a {say(self._by)}{short}; received {say(value)}"
            raise refusal(message)
        given = cast("dict[str, object]", value)
        if self._by not in given:
            raise refusal(f"expected {self._what} with a {say(self._by)}, one of {', '.join(parts)}")
        tag = self._resolve(given[self._by], names, (self._by,))
        remember(given, parts[tag], info)
        return {**given, self._by: tag}

    def _resolve(self, name: object, names: Mapping[str, str], at: tuple[str, ...]) -> str:
        if isinstance(name, str) and squash(name) in names:
            return names[squash(name)]
        known = list(dict.fromkeys(names.values()))
        near = suggest(name, [*known, *self._aliases]) if isinstance(name, str) else ""
        raise refusal(f"expected {self._what}, one of {', '.join(known)}; received {say(name)}{near}", *at)


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
