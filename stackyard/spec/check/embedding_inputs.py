"""Check the inputs that an Embedding looks up: they must be whole numbers within its vocabulary."""

from collections.abc import Iterator

from stackyard.spec.check.data.features import iterate_feature_columns
from stackyard.spec.check.data.resolved_data import ResolvedData
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.data.data import ArrayData, TableData, Transform
from stackyard.spec.data.description import ColumnDescription, DatasetDescription, TableDescription
from stackyard.spec.data.imputation import Mean, Median
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Embedding
from stackyard.spec.layers.lookups import find_input_embedding
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment

_SCALING_TRANSFORMS: frozenset[Transform] = frozenset({"standard", "minmax", "robust", "l2"})
_LOOKUP = "whole numbers that an Embedding can look up"

_Path = tuple[PathSegment, ...]


def check_embedding_inputs(
    spec: JobSpec, dataset: DatasetDescription, data: ResolvedData, faults: FaultCollector
) -> None:
    """Add a fault where an Embedding would receive fractions, or numbers beyond its vocabulary."""
    found = find_input_embedding(spec.network.layers)
    if found is None:
        return
    index, layer = found
    for message, path, fix in _find_fractions(spec, dataset):
        faults.add(message, *path, fix=fix)
    _check_ranges(layer, ("network", "layers", index), data, faults)


def _check_ranges(layer: Embedding, path: _Path, data: ResolvedData, faults: FaultCollector) -> None:
    ranges = [bounds for bounds in data.ranges if bounds is not None]
    if not ranges:
        return
    minimum, maximum = min(low for low, _ in ranges), max(high for _, high in ranges)
    if minimum < 0:
        message = f"expected inputs from 0 to {layer.input_dim - 1} to look up, received some from {minimum:g}"
        faults.add(message, *path)
    elif maximum >= layer.input_dim:
        message = f"expected an input_dim greater than the greatest input, {maximum:g}; received {layer.input_dim}"
        faults.add(message, *path, "input_dim", fix=f"set input_dim to {int(maximum) + 1}", corrected=int(maximum) + 1)


def _find_fractions(spec: JobSpec, dataset: DatasetDescription) -> Iterator[tuple[str, _Path, str]]:
    """Yield a message, a path and a fix for each input that is a fraction."""
    match spec.data, dataset:
        case TableData() as data, TableDescription():
            columns = {column.name: column for column in dataset.columns}
            yield from _find_scaled_groups(data)
            yield from _find_fractional_columns(data, columns)
        case ArrayData() as data, _ if data.normalize is not None:
            message = f"expected {_LOOKUP}, received inputs that normalize divides by their norm"
            yield message, ("data", "normalize"), "leave out normalize"
        case _:
            pass


def _find_scaled_groups(data: TableData) -> Iterator[tuple[str, _Path, str]]:
    for index, group in enumerate(data.features or ()):
        if group.transform in _SCALING_TRANSFORMS:
            message = f"expected {_LOOKUP}, received features that {format_value(group.transform)} scales"
            fix = 'use the transform "ordinal" for categories, or "none" for whole numbers from 0'
            yield message, ("data", "features", index, "transform"), fix


def _find_fractional_columns(
    data: TableData, columns: dict[str, ColumnDescription]
) -> Iterator[tuple[str, _Path, str]]:
    for group, name, path in iterate_feature_columns(data.list_feature_groups(columns)):
        column = columns.get(name)
        if column is None or group.transform != "none" or column.type == "text":
            continue
        fraction = next((bound for bound in (column.minimum, column.maximum) if _is_fraction(bound)), None)
        place = path if data.features is not None else ("data",)
        if fraction is not None:
            message = f"expected {_LOOKUP}, received {fraction:g} in {format_value(name)}"
            yield message, place, "leave the column out, or begin with another layer"
        elif _is_filled_with_fractions(data, column, data.get_column_imputation(group, column)):
            impute = (*path[:-2], "impute") if group.impute is not None else ("data", "impute")
            message = f"expected {_LOOKUP}, received a fraction for the missing values of {format_value(name)}"
            yield message, impute, 'use "most_frequent" or a "constant"'


def _is_fraction(bound: float | None) -> bool:
    return bound is not None and not float(bound).is_integer()


def _is_filled_with_fractions(data: TableData, column: ColumnDescription, imputation: object) -> bool:
    has_missing = bool(column.missing) and not data.drops_rows_without(column.name)
    return has_missing and isinstance(imputation, Mean | Median)
