"""Descriptions of datasets that no file has, for specs that were written for them."""

from typing import Any

from pydantic import TypeAdapter

from service.datasets import builtins
from stackyard.spec import DatasetDescription


def describe(document: dict[str, Any]) -> DatasetDescription:
    """The built-in dataset's, or what an uploaded dataset would need for the spec to be right."""
    data = document["data"]
    known = {builtins.PREFIX + entry.name: entry.description for entry in builtins.load()}
    described = known.get(data["dataset"]) or (_arrays(data) if "x" in data else _table(data))
    return TypeAdapter[DatasetDescription](DatasetDescription).validate_python(described)


def _arrays(data: dict[str, Any]) -> dict[str, Any]:
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


def _table(data: dict[str, Any]) -> dict[str, Any]:
    groups = [{"columns": ["a", "b", "c"]}, *(data.get("features") or [])]
    columns = {name: _column(name, group.get("transform")) for group in groups for name in group["columns"]}
    for method in (data.get("sample_weight", {}), *data.get("split", {}).values()):
        columns |= _deciding(method)
    target = data["target"]["column"]
    columns |= {name: _column(name, "label") for name in ([target] if isinstance(target, str) else target)}
    return {"kind": "table", "rows": 1000, "columns": list(columns.values())}


def _deciding(method: Any) -> dict[str, Any]:
    """The column that a split goes by, or that holds weights."""
    if isinstance(method, str):
        return {method: _column(method, "label")}
    if "values" in method:
        values = sorted([*method["values"], 0])
        return {method["column"]: _column(method["column"], "label") | {"categories": values, "maximum": values[-1]}}
    return {method["column"]: _column(method["column"], "one_hot")} if "column" in method else {}


def _column(name: str, kind: str | None) -> dict[str, Any]:
    if kind in {"one_hot", "ordinal"}:
        return {"name": name, "type": "text", "missing": 0, "categories": ["a", "b", "c"]}
    if kind == "label":
        return {"name": name, "type": "integer", "missing": 0, "categories": [0, 1], "minimum": 0, "maximum": 1}
    return {"name": name, "type": "float", "missing": 0, "minimum": -1, "maximum": 1}
