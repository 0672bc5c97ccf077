"""Check the arrays that a spec names against the arrays of the dataset."""

from collections.abc import Mapping

from stackyard.spec.check.data.columns import find_single_row_value
from stackyard.spec.check.data.resolved_data import Range, ResolvedData, Target, list_scaling_arguments
from stackyard.spec.check.data.splits import RowBound, SplitChecker, SplitKey
from stackyard.spec.check.data.target_scaling import check_target_range, scale_bound
from stackyard.spec.check.fault_collector import FaultCollector, format_choices
from stackyard.spec.check.report import RowCounts, Shape
from stackyard.spec.data.data import ArrayData
from stackyard.spec.data.description import MAX_CATEGORIES, ArrayDescription, ArraysDescription
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment

_NUMERIC_TYPES = ("int", "uint", "float", "bool")


def resolve_array_data(data: ArrayData, dataset: ArraysDescription, faults: FaultCollector) -> ResolvedData:
    """Return the inputs and the target that `data` takes from the arrays, and add the faults."""
    arrays = {array.name: array for array in dataset.arrays}
    x, y = _find_pair(data.x, data.y, arrays, ("data",), faults)
    test_rows = _count_test_rows(data, x, y, arrays, faults)
    if data.test is not None and data.split.test is not None:
        message = "expected one way to a test set, received a test pair and a split"
        faults.add(message, "data", "split", "test")
    target = None if y is None else _resolve_target(data, y, arrays, faults)
    if x is None:
        return ResolvedData(None, target, RowCounts(train=None, validation=None, test=test_rows), None)
    _check_normalize_axis(data, x, faults)
    row_arrays = _RowArrays(arrays, x, faults)
    if data.sample_weight is not None:
        row_arrays.check_sample_weight(data.sample_weight, ("data", "sample_weight"))
    if x.shape[0] == 0:
        faults.add("expected at least 1 row, received none", "data")
    splits = SplitChecker(row_arrays.find_split_key, faults)
    rows, max_train_rows = splits.count_rows(data.split, RowBound(x.shape[0], is_exact=True), test_rows)
    return ResolvedData(tuple(x.shape[1:]), target, rows, max_train_rows, _list_ranges(data, x, arrays))


def _list_ranges(
    data: ArrayData, x: ArrayDescription, arrays: Mapping[str, ArrayDescription]
) -> tuple[Range | None, ...]:
    """Return the range of the inputs, and of those of the test pair if there is one."""
    test_x = None if data.test is None else arrays.get(data.test.x)
    return tuple(_get_range(data, array) for array in (x, test_x) if array is not None)


def _get_range(data: ArrayData, x: ArrayDescription) -> Range | None:
    if data.normalize is not None or x.minimum is None or x.maximum is None:
        return None
    return x.minimum, x.maximum


class _RowArrays:
    """Finds arrays of one number for each row, which split or weigh the rows."""

    def __init__(self, arrays: Mapping[str, ArrayDescription], x: ArrayDescription, faults: FaultCollector) -> None:
        self._arrays = arrays
        self._x = x
        self._faults = faults

    def find_split_key(self, name: str, path: tuple[PathSegment, ...]) -> SplitKey | None:
        """Return the array as the key of a split, or add a fault."""
        array = self._find(name, path)
        if array is None:
            return None
        source, has_floats = f"the array {format_value(name)}", array.type.startswith("float")
        return SplitKey(source, array.categories, find_single_row_value(array), has_floats=has_floats)

    def check_sample_weight(self, name: str, path: tuple[PathSegment, ...]) -> None:
        """Add a fault where the array cannot weigh rows."""
        array = self._find(name, path)
        if array is not None and array.minimum is not None and array.minimum < 0:
            message = f"expected weights of at least 0, received {array.minimum:g} in {format_value(name)}"
            self._faults.add(message, *path)

    def _find(self, name: str, path: tuple[PathSegment, ...]) -> ArrayDescription | None:
        array = _find_array(name, self._arrays, path, self._faults)
        if array is not None and array.shape != self._x.shape[:1]:
            expected = f"expected one number for each of the {self._x.shape[0]} rows of {format_value(self._x.name)}"
            self._faults.add(f"{expected}, received the shape {array.shape} in {format_value(name)}", *path)
            return None
        return array


def _find_array(
    name: str, arrays: Mapping[str, ArrayDescription], path: tuple[PathSegment, ...], faults: FaultCollector
) -> ArrayDescription | None:
    array = arrays.get(name)
    if array is None:
        message = f"expected an array of the dataset ({format_choices(arrays)}), received {format_value(name)}"
        faults.add_unknown_name(message, *path, name=name, valid_names=arrays)
    elif not array.type.startswith(_NUMERIC_TYPES):
        faults.add(f"expected an array of numbers, received {format_value(name)} of {array.type}", *path)
    elif not array.shape:
        faults.add(
            f"expected an array whose first axis counts rows, received the single value {format_value(name)}", *path
        )
    else:
        return array
    return None


def _find_pair(
    x_name: str,
    y_name: str,
    arrays: Mapping[str, ArrayDescription],
    path: tuple[PathSegment, ...],
    faults: FaultCollector,
) -> tuple[ArrayDescription | None, ArrayDescription | None]:
    x = _find_array(x_name, arrays, (*path, "x"), faults)
    y = _find_array(y_name, arrays, (*path, "y"), faults)
    if x and len(x.shape) == 1:
        message = f"expected rows of at least one axis, received single numbers in {format_value(x_name)}"
        faults.add(message, *path, "x", fix="store them as (rows, 1)")
        x = None
    if x and y and x.shape[0] != y.shape[0]:
        message = f"expected as many rows as in {format_value(x_name)}, {x.shape[0]}; received {y.shape[0]}"
        faults.add(message, *path, "y")
    return x, y


def _count_test_rows(
    data: ArrayData,
    x: ArrayDescription | None,
    y: ArrayDescription | None,
    arrays: Mapping[str, ArrayDescription],
    faults: FaultCollector,
) -> int | None:
    """Return the number of rows of the test pair, or None without one."""
    if data.test is None:
        return None
    path = ("data", "test")
    test_x, test_y = _find_pair(data.test.x, data.test.y, arrays, path, faults)
    for test_array, train_array, name in ((test_x, x, "x"), (test_y, y, "y")):
        if test_array and train_array and test_array.shape[1:] != train_array.shape[1:]:
            expected = f"expected rows of shape {train_array.shape[1:]} as in {format_value(train_array.name)}"
            faults.add(f"{expected}, received {test_array.shape[1:]}", *path, name)
    if data.target.encode and y and test_y:
        _check_test_classes(y, test_y, faults)
    return test_x.shape[0] if test_x else None


def _check_test_classes(y: ArrayDescription, test_y: ArrayDescription, faults: FaultCollector) -> None:
    if y.categories is None:
        return
    unknown = set(test_y.categories or ()) - set(y.categories)
    if test_y.categories is None or unknown:
        received = (
            f"{min(unknown)} in {format_value(test_y.name)}" if unknown else f"others in {format_value(test_y.name)}"
        )
        faults.add(f"expected only values of {format_value(y.name)}, received {received}", "data", "test", "y")


def _check_normalize_axis(data: ArrayData, x: ArrayDescription, faults: FaultCollector) -> None:
    rank = len(x.shape)
    if data.normalize is not None and not -rank <= data.normalize.axis < rank:
        message = f"expected an axis from {-rank} to {rank - 1}, received {data.normalize.axis}"
        faults.add(message, "data", "normalize", "axis")


def _resolve_target(
    data: ArrayData, y: ArrayDescription, arrays: Mapping[str, ArrayDescription], faults: FaultCollector
) -> Target | None:
    source = f"the array {format_value(y.name)}"
    shape: Shape = tuple(y.shape[1:])
    if data.target.encode is None:
        if list_scaling_arguments(data.target):
            check_target_range(data.target, y.minimum, source, faults)
            return _build_scaled_target(data, y, shape, source)
        test_y = None if data.test is None else arrays.get(data.test.y)
        return _build_unscaled_target(y, test_y or y, shape, source)
    for name in list_scaling_arguments(data.target):
        faults.add(f"expected no {name} with a one-hot target, which has no size to scale", "data", "target", name)
    if not y.categories:
        expected = f"expected whole numbers of at most {MAX_CATEGORIES} values along one axis for a one-hot target"
        faults.add(f"{expected}; received {y.type} of shape {y.shape}", "data", "y")
        return None
    return Target("one_hot", (len(y.categories),), source, tuple(y.categories))


def _build_scaled_target(data: ArrayData, y: ArrayDescription, shape: Shape, source: str) -> Target:
    minimum, maximum = (scale_bound(data.target, bound) for bound in (y.minimum, y.maximum))
    arguments = " and ".join(list_scaling_arguments(data.target))
    reason, fix = f"they are scaled by {arguments}", f"leave out {arguments}"
    return Target("numbers", shape, source, minimum=minimum, maximum=maximum, number_reason=reason, label_fix=fix)


def _build_unscaled_target(y: ArrayDescription, test_y: ArrayDescription, shape: Shape, source: str) -> Target:
    if y.type.startswith("float") and not set(test_y.categories or ("unknown",)) <= set(y.categories or ()):
        reason = f"expected one whole number in each row, and at most {MAX_CATEGORIES} different ones"
        return Target("numbers", shape, source, minimum=y.minimum, maximum=y.maximum, number_reason=reason)
    values = tuple(y.categories) if y.categories else None
    counts_from_zero = values is not None and values == tuple(range(len(values)))
    return Target(
        "labels", shape, source, values, counts_from_zero=counts_from_zero, minimum=y.minimum, maximum=y.maximum
    )
