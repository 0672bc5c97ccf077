"""Random documents that a JSON Schema allows: the whole language, without a list of it to keep."""

from random import Random
from typing import Any

WORDS = ("target", "sepal_l", "petal_w", "x_train", "y_train", "builtin:iris", "mnist", "a b", "é")
LIKELY = 0.15
"""How likely an argument is given that need not be."""


class Sampler:
    """Draws values that `schema` allows."""

    def __init__(self, schema: dict[str, Any], random: Random) -> None:
        self._schema = schema
        self._definitions = schema.get("$defs", {})
        self._random = random

    def document(self) -> Any:
        """A value that the whole schema allows."""
        return self._draw(self._schema)

    def part(self, name: str) -> Any:
        """A value that one of its definitions allows."""
        return self._draw(self._definitions[name])

    def _draw(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self.part(schema["$ref"].rpartition("/")[2])
        if members := schema.get("oneOf") or schema.get("anyOf"):
            return self._draw(self._random.choice(members))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        return getattr(self, f"_{schema['type']}")(schema)

    def _null(self, _: dict[str, Any]) -> None:
        return None

    def _boolean(self, _: dict[str, Any]) -> bool:
        return self._random.random() < 1 / 2

    def _integer(self, schema: dict[str, Any]) -> int:
        least = schema.get("minimum", schema.get("exclusiveMinimum", -4) + 1)
        most = schema.get("maximum", schema.get("exclusiveMaximum", 2**31) - 1)
        return self._random.randint(least, min(most, least + 9))

    def _number(self, schema: dict[str, Any]) -> float:
        least = schema.get("minimum", schema.get("exclusiveMinimum", -2))
        most = schema.get("maximum", schema.get("exclusiveMaximum", max(least, 0) + 2))
        # Never the bound itself, which may be excluded; and never a whole number, which a schema takes for an integer.
        return least + (most - least) * self._random.uniform(0.01, 0.99)

    def _string(self, schema: dict[str, Any]) -> str:
        return f"name_{self._random.randrange(5)}" if "pattern" in schema else self._random.choice(WORDS)

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 2), least + 2)
        return [self._draw(schema["items"]) for _ in range(self._random.randint(least, most))]

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "properties" not in schema:
            return {str(key): self._draw(schema["additionalProperties"]) for key in range(self._random.randrange(3))}
        needed = schema.get("required", ())
        return {
            name: self._draw(member)
            for name, member in schema["properties"].items()
            if name in needed or self._random.random() < LIKELY
        }
