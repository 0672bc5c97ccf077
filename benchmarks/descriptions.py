"""Dataset descriptions for specs whose datasets do not exist."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from service.datasets import builtins
from stackyard.spec import ArrayDescription, ArraysDescription, DatasetDescription


def build_description(document: dict[str, Any]) -> DatasetDescription:
    """Return the description of the built-in dataset, or one of an uploaded dataset that makes the spec valid."""
    data = document["data"]
    builtin = {builtins.BUILTIN_PREFIX + entry.name: entry.description for entry in builtins.load_builtins()}
    description = builtin.get(data["dataset"]) or (
        _build_arrays(data) if "x" in data else _build_table(data, _count_classes(document))
    )
    return TypeAdapter[DatasetDescription](DatasetDescription).validate_python(description)


def describe_arrays(arrays: Mapping[str, Any]) -> DatasetDescription:
    """Return the description of NumPy arrays, without categories."""
    return ArraysDescription(
        arrays=[
            ArrayDescription(
                name=name,
                type=array.dtype.name,
                shape=[*array.shape],
                minimum=float(array.min()),
                maximum=float(array.max()),
            )
            for name, array in arrays.items()
        ]
    )


def _build_arrays(data: dict[str, Any]) -> dict[str, Any]:
    pairs = [data, data.get("test", data)]
    inputs = [{"name": pair["x"], "type": "uint8", "shape": [1000, 28, 28]} for pair in pairs]
    labels = [
        {
            "name": pair["y"],
            "type": "uint8",
            "shape": [1000],
            "categories": list(range(10)),
            "minimum": 0,
            "maximum": 9,
        }
        for pair in pairs
    ]
    return {"kind": "arrays", "arrays": [*inputs, *labels]}


def _count_classes(document: dict[str, Any]) -> int:
    """Return the number of outputs of the network, at least 2."""
    layers = document.get("network", {}).get("layers", [])
    outputs = layers[-1].get("units", 1) if layers and isinstance(layers[-1], dict) else 1
    return max(2, outputs)


def _build_table(data: dict[str, Any], classes: int) -> dict[str, Any]:
    groups = [{"columns": ["a", "b", "c"]}, *(data.get("features") or [])]
    columns = {name: _build_column(name, group.get("transform")) for group in groups for name in group["columns"]}
    for method in (data.get("sample_weight", {}), *data.get("split", {}).values()):
        columns |= _build_method_column(method)
    target = data["target"]["column"]
    label = {"categories": list(range(classes)), "maximum": classes - 1}
    names = [target] if isinstance(target, str) else target
    columns |= {name: _build_column(name, "label") | label for name in names}
    return {"kind": "table", "rows": 1000, "columns": list(columns.values())}


def _build_method_column(method: Any) -> dict[str, Any]:
    """Return the column of a split method or of sample weights, by name."""
    if isinstance(method, str):
        return {method: _build_column(method, "label")}
    if "values" in method:
        values = sorted([*method["values"], 0])
        return {
            method["column"]: _build_column(method["column"], "label") | {"categories": values, "maximum": values[-1]}
        }
    return {method["column"]: _build_column(method["column"], "one_hot")} if "column" in method else {}


def _build_column(name: str, kind: str | None) -> dict[str, Any]:
    if kind in {"one_hot", "ordinal"}:
        return {"name": name, "type": "text", "missing": 0, "categories": ["a", "b", "c"]}
    if kind == "label":
        return {"name": name, "type": "integer", "missing": 0, "categories": [0, 1], "minimum": 0, "maximum": 1}
    return {"name": name, "type": "float", "missing": 0, "minimum": -1, "maximum": 1}
