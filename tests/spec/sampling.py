"""Draws random documents that a JSON Schema allows, so that they cover the whole language."""

from random import Random
from typing import Any

WORDS = ("target", "sepal_l", "petal_w", "x_train", "y_train", "builtin:iris", "mnist", "a b", "é")
OPTIONAL_PROBABILITY = 0.15
"""The probability that an optional argument is given."""


class Sampler:
    """Draws values that `schema` allows."""

    def __init__(self, schema: dict[str, Any], random: Random) -> None:
        self._schema = schema
        self._definitions = schema.get("$defs", {})
        self._random = random

    def draw_document(self) -> Any:
        """Draw a value that the whole schema allows."""
        return self._draw_value(self._schema)

    def draw_definition(self, name: str) -> Any:
        """Draw a value that one of the schema's definitions allows."""
        return self._draw_value(self._definitions[name])

    def _draw_value(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self.draw_definition(schema["$ref"].rpartition("/")[2])
        if members := schema.get("oneOf") or schema.get("anyOf"):
            return self._draw_value(self._random.choice(members))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        return getattr(self, f"_draw_{schema['type']}")(schema)

    def _draw_null(self, _: dict[str, Any]) -> None:
        return None

    def _draw_boolean(self, _: dict[str, Any]) -> bool:
        return self._random.random() < 1 / 2

    def _draw_integer(self, schema: dict[str, Any]) -> int:
        minimum = schema.get("minimum", schema.get("exclusiveMinimum", -4) + 1)
        maximum = schema.get("maximum", schema.get("exclusiveMaximum", 2**31) - 1)
        return self._random.randint(minimum, min(maximum, minimum + 9))

    def _draw_number(self, schema: dict[str, Any]) -> float:
        minimum = schema.get("minimum", schema.get("exclusiveMinimum", -2))
        maximum = schema.get("maximum", schema.get("exclusiveMaximum", max(minimum, 0) + 2))
        # Never the bound itself, which may be excluded, nor a whole number, which a schema accepts as an integer.
        return minimum + (maximum - minimum) * self._random.uniform(0.01, 0.99)

    def _draw_string(self, schema: dict[str, Any]) -> str:
        return f"name_{self._random.randrange(5)}" if "pattern" in schema else self._random.choice(WORDS)

    def _draw_array(self, schema: dict[str, Any]) -> list[Any]:
        minimum = schema.get("minItems", 0)
        maximum = min(schema.get("maxItems", minimum + 2), minimum + 2)
        return [self._draw_value(schema["items"]) for _ in range(self._random.randint(minimum, maximum))]

    def _draw_object(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "properties" not in schema:
            return {
                str(key): self._draw_value(schema["additionalProperties"]) for key in range(self._random.randrange(3))
            }
        required = schema.get("required", ())
        return {
            name: self._draw_value(member)
            for name, member in schema["properties"].items()
            if name in required or self._random.random() < OPTIONAL_PROBABILITY
        }
