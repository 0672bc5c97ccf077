"""Short forms of objects: the value of one argument stands for the whole object, with every other default."""

from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidatorFunctionWrapHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class ShortForm:
    """Marks a class that a shorter value may stand for: `Annotated[Features, ShortForm(...)]`.

    The parsed object is the same as that of the long form. Only its `model_fields_set` lacks the argument, so that the
    pointers of faults end at the short value.

    Args:
        argument: The argument whose value is given.
        short_type: The type of the short value.
        expand: Returns the argument's value for a short value.
        short_classes: The Python types of short values.

    """

    def __init__(
        self,
        argument: str,
        short_type: Any,
        short_classes: tuple[type, ...],
        expand: Callable[[object], object] = lambda value: value,
    ) -> None:
        self.short_type = short_type
        self._argument = argument
        self._short_classes = short_classes
        self._expand = expand

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        short_schema = handler.generate_schema(self.short_type)

        def describe(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
            if handler.mode == "serialization":
                return handler(schema)
            return {"anyOf": [handler(schema), handler(short_schema)]}

        metadata = {"pydantic_js_functions": [describe]}
        return core_schema.no_info_wrap_validator_function(self._validate, handler(source), metadata=metadata)

    def _validate(self, value: object, validate: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, self._short_classes):
            return validate(value)
        member = validate({self._argument: self._expand(value)})
        member.__pydantic_fields_set__.discard(self._argument)
        return member
