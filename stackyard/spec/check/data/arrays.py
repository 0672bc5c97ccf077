"""Arrays that a spec names, against those that there are."""

from collections.abc import Mapping

from stackyard.spec.check.data.inputs import Inputs, Range, Target, scaled
from stackyard.spec.check.data.splits import Deciding, Known, Splits
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.report import Rows, Shape
from stackyard.spec.data.data import ArrayData
from stackyard.spec.data.description import MAX_CATEGORIES, ArrayDescription, ArraysDescription
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step
from stackyard.spec.tagged_union import suggest

_NUMBERS = ("int", "uint", "float", "bool")


def array_inputs(data: ArrayData, described: ArraysDescription, faults: Faults) -> Inputs:
    """Return what `data` takes from the arrays, and note what they do not have."""
    arrays = {array.name: array for array in described.arrays}
    x, y = _pair(data.x, data.y, arrays, ("data",), faults)
    test = _test(data, x, y, arrays, faults)
    if data.test is not None and data.split.test is not None:
        message = "expected one way to a test set, received a test pair and a split"
        faults.add(message, "data", "split", "test")
    target = None if y is None else _target(data, y, faults)
    if x is None:
        return Inputs(None, target, Rows(train=None, validation=None, test=test), None)
    _normalize(data, x, faults)
    columns = _Columns(arrays, x, faults)
    if data.sample_weight is not None:
        columns.weight(data.sample_weight, ("data", "sample_weight"))
    splits = Splits(columns.deciding, faults)
    rows, most = splits.divide(data.split, Known(x.shape[0], exactly=True), test)
    return Inputs(tuple(x.shape[1:]), target, rows, most, (_range(data, x),))


def _range(data: ArrayData, x: ArrayDescription) -> Range | None:
    if data.normalize is not None or x.minimum is None or x.maximum is None:
        return None
    return x.minimum, x.maximum


class _Columns:
    """The arrays of one number a row, which decide splits and weigh rows."""

    def __init__(self, arrays: Mapping[str, ArrayDescription], x: ArrayDescription, faults: Faults) -> None:
        self._arrays = arrays
        self._x = x
        self._faults = faults

    def deciding(self, name: str, place: tuple[Step, ...]) -> Deciding | None:
        """Return what a split looks at in an array."""
        array = self._find(name, place)
        return None if array is None else Deciding(f"the array {say(name)}", array.categories)

    def weight(self, name: str, place: tuple[Step, ...]) -> None:
        """Note an array that cannot weigh rows."""
        array = self._find(name, place)
        if array is not None and array.minimum is not None and array.minimum < 0:
            least = f"received {array.minimum:g} in {say(name)}"
            self._faults.add(f"expected weights of at least 0, {least}", *place)

    def _find(self, name: str, place: tuple[Step, ...]) -> ArrayDescription | None:
        array = _find(name, self._arrays, place, self._faults)
        if array is not None and array.shape != self._x.shape[:1]:
            wanted = f"expected one number for each of the {self._x.shape[0]} rows of {say(self._x.name)}"
            self._faults.add(f"{wanted}, received the shape {array.shape} in {say(name)}", *place)
            return None
        return array


def _find(
    name: str, arrays: Mapping[str, ArrayDescription], place: tuple[Step, ...], faults: Faults
) -> ArrayDescription | None:
    array = arrays.get(name)
    if array is None:
        listed = ", ".join(arrays)
        message = f"expected an array of the dataset ({listed}), received {say(name)}"
        faults.add(message, *place, fix=suggest(name, arrays))
    elif not array.type.startswith(_NUMBERS):
        faults.add(f"expected an array of numbers, received {say(name)} of {array.type}", *place)
    elif not array.shape:
        faults.add(f"expected an array whose first axis counts rows, received the single value {say(name)}", *place)
    else:
        return array
    return None


def _pair(
    x: str, y: str, arrays: Mapping[str, ArrayDescription], place: tuple[Step, ...], faults: Faults
) -> tuple[ArrayDescription | None, ArrayDescription | None]:
    inputs = _find(x, arrays, (*place, "x"), faults)
    outputs = _find(y, arrays, (*place, "y"), faults)
    if inputs and len(inputs.shape) == 1:
        message = f"expected rows of at least one axis, received single numbers in {say(x)}"
        faults.add(message, *place, "x", fix="store them as (rows, 1)")
        inputs = None
    if inputs and outputs and inputs.shape[0] != outputs.shape[0]:
        message = f"expected as many rows as in {say(x)}, {inputs.shape[0]}; received {outputs.shape[0]}"
        faults.add(message, *place, "y")
    return inputs, outputs


def _test(
    data: ArrayData,
    x: ArrayDescription | None,
    y: ArrayDescription | None,
    arrays: Mapping[str, ArrayDescription],
    faults: Faults,
) -> int | None:
    """Return the rows of the test pair, if there is one."""
    if data.test is None:
        return None
    place = ("data", "test")
    test_x, test_y = _pair(data.test.x, data.test.y, arrays, place, faults)
    for array, like, name in ((test_x, x, "x"), (test_y, y, "y")):
        if array and like and array.shape[1:] != like.shape[1:]:
            message = f"expected rows of shape {like.shape[1:]} as in {say(like.name)}, received {array.shape[1:]}"
            faults.add(message, *place, name)
    if data.target.encode and y and test_y:
        _known_classes(y, test_y, faults)
    return test_x.shape[0] if test_x else None


def _known_classes(y: ArrayDescription, test: ArrayDescription, faults: Faults) -> None:
    if y.categories is None:
        return
    others = set(test.categories or ()) - set(y.categories)
    if test.categories is None or others:
        which = f"{min(others)} in {say(test.name)}" if others else f"others in {say(test.name)}"
        faults.add(f"expected the values of {say(y.name)} alone, received {which}", "data", "test", "y")


def _normalize(data: ArrayData, x: ArrayDescription, faults: Faults) -> None:
    rank = len(x.shape)
    if data.normalize is not None and not -rank <= data.normalize.axis < rank:
        message = f"expected an axis from {-rank} to {rank - 1}, received {data.normalize.axis}"
        faults.add(message, "data", "normalize", "axis")


def _target(data: ArrayData, y: ArrayDescription, faults: Faults) -> Target | None:
    what = f"the array {say(y.name)}"
    shape: Shape = tuple(y.shape[1:])
    if data.target.encode is None:
        return _scaled(data, y, shape, what) if scaled(data.target) else _plain(y, shape, what)
    for name in scaled(data.target):
        faults.add(f"expected no {name} beside a one-hot target, which has no size to scale", "data", "target", name)
    if not y.categories:
        wanted = f"expected whole numbers of at most {MAX_CATEGORIES} values along one axis for a one-hot target"
        faults.add(f"{wanted}; received {y.type} of shape {y.shape}", "data", "y")
        return None
    return Target("one_hot", (len(y.categories),), what, tuple(y.categories))


def _scaled(data: ArrayData, y: ArrayDescription, shape: Shape, what: str) -> Target:
    by = data.target.divide_by or 1
    bounds = (None if data.target.standard or bound is None else bound / by for bound in (y.minimum, y.maximum))
    least, most = bounds
    return Target("numbers", shape, what, minimum=least, maximum=most)


def _plain(y: ArrayDescription, shape: Shape, what: str) -> Target:
    if y.type.startswith("float"):
        return Target("numbers", shape, what, minimum=y.minimum, maximum=y.maximum)
    values = tuple(y.categories) if y.categories else None
    counted = values is not None and values == tuple(range(len(values)))
    return Target("labels", shape, what, values, counted=counted, minimum=y.minimum, maximum=y.maximum)
